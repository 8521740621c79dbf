// SPDX-License-Identifier: Apache-2.0
// The subcommands and their options.
#include "snapshot/command_line.h"

namespace lethe {

void add_subcommands(CLI::App &app, SnapshotCommandLine &line) {
  app.require_subcommand(1);
  app.set_version_flag("--version", LETHE_VERSION);

  line.build = app.add_subcommand("build", "Evaluate the prelude and preload files");
  auto *cache_dir =
      line.build->add_option("--cache-dir", line.cache_dir, "Where snapshots are kept")
          ->type_name("DIR");
  line.build
      ->add_option("--output", line.output, "The file to write, instead of one in a cache folder")
      ->type_name("FILE")
      ->excludes(cache_dir);
  line.build->parse_complete_callback([&line] {
    if (line.cache_dir.empty() && line.output.empty())
      throw CLI::RequiredError("--cache-dir or --output");
  });
  line.build->add_option("--preload", line.preload, "A file to evaluate; may be repeated, in order")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  line.build->add_option("--deadline-ms", line.limits.deadline_ms, "Limit on the time for all")
      ->type_name("MS")
      ->capture_default_str();
  line.build->add_option("--memory-mb", line.limits.memory_mb, "Limit on the memory for all")
      ->type_name("MB")
      ->capture_default_str();

  line.inspect = app.add_subcommand("inspect", "Show what a snapshot holds");
  line.inspect->add_option("FILE", line.file)->required();

  line.verify =
      app.add_subcommand("verify", "Check that a snapshot is whole and fits this installation");
  line.verify->add_option("FILE", line.file)->required();
  line.verify
      ->add_option("--preload", line.preload, "A file that it was built with; may be repeated")
      ->type_name("FILE");
}

} // namespace lethe
