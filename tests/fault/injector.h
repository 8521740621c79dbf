// SPDX-License-Identifier: Apache-2.0
// A test's hold on the calls of a lethed, its zygotes or its workers: which one fails.
#pragma once

#include "tests/fault/injection.h"
#include "tests/harness/scratch_folder.h"

#include <string>
#include <vector>

namespace lethe::test {

struct Fault {
  Call call;
  uint64_t number; // the how manieth, from 1
  int error;
};
std::string shown(const Fault &fault); // "open #3: Too many open files"

// Each kind of call with each error that it may have, for each of as many as were `made`. Where they
// are very many, a loop makes them: then for every second, third, … of them.
std::vector<Fault> all_faults(const Injection &made);

class Injector {
public:
  explicit Injector(Role role = Role::master);
  Injector(const Injector &) = delete;
  ~Injector();

  std::vector<std::string> environment() const; // of the lethed that has the library in it
  // From now on; counts anew.
  void arm(const Fault &fault);
  void slow_down(Call call, int64_t delay_us);
  void disarm();
  bool has_hit() const { return injection_->hits > 0; }
  Injection &injection() { return *injection_; }

private:
  ScratchFolder folder_;
  Injection *injection_;
};

} // namespace lethe::test
