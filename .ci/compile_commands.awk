# awk -v folder=DIR -f compile_commands.awk: the compile commands among those that a dry run of make prints, as JSON.
/ -c [^ ]+ -o / {
  file = $0; sub(/.* -c /, "", file); sub(/ -o .*/, "", file)
  gsub(/\\/, "\\\\"); gsub(/"/, "\\\"")
  printf "%s\n{\"directory\": \"%s\", \"file\": \"%s\", \"command\": \"%s\"}", separator ? separator : "[", folder, file, $0
  separator = ","
}
END { print separator ? "\n]" : "[]" }
