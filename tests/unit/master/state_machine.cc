// SPDX-License-Identifier: Apache-2.0
// State machines: what moves they allow, who hears of one, and how one that is not allowed ends.
#include "daemon/master/loop/state_machine.h"
#include "tests/unit/last_words.h"

#include <criterion/criterion.h>
#include <vector>

using namespace lethe;
using lethe::test::last_words;

namespace {

class Moves final : public MoveObserver {
public:
  void moved(std::string_view who, std::string_view from, std::string_view to,
             std::string_view why) override {
    lines.push_back(std::string(who) + ": " + std::string(from) + " > " + std::string(to) + " " +
                    std::string(why));
  }
  std::vector<std::string> lines;
};

class Door {
public:
  enum class State : uint8_t { shut, open, locked, broken };
  static constexpr StateRow states[] = {{"shut", to(State::open, State::locked)},
                                        {"open", to(State::shut, State::broken)},
                                        {"locked", to(State::shut)},
                                        {"broken", 0}};

  explicit Door(MoveObserver &observer) : state(*this, observer, State::shut) {}
  std::string who() const {
    ++named;
    return "door 3 of the garage";
  }
  void check_state() const {
    ++checked;
    invariant(!state.is(State::locked) || keys > 0, "whoever locks a door has a key",
              {"keys", keys});
  }

  StateMachine<Door, State> state;
  int keys = 1;
  mutable int named = 0, checked = 0;
};

} // namespace

Test(state_machine, it_goes_where_its_table_allows) {
  Moves moves;
  Door door(moves);
  cr_assert(door.state.is(Door::State::shut));
  door.state.move_to(Door::State::open);
  door.state.move_to(Door::State::shut);
  door.state.move_to(Door::State::locked);
  cr_assert(door.state.is(Door::State::open, Door::State::locked));
  cr_assert_not(door.state.is(Door::State::open, Door::State::shut, Door::State::broken));
  cr_assert_eq(door.state.now(), Door::State::locked);
  cr_assert_eq(door.state.name(), "locked");
}

Test(state_machine, a_move_that_is_not_allowed_ends_the_process_and_names_both_states) {
  Moves moves;
  Door door(moves);
  door.state.move_to(Door::State::locked);
  const std::string said =
      last_words([&door] { door.state.move_to(Door::State::broken, "by force"); });
  cr_assert(said.starts_with("tests/unit/master/state_machine.cc:"), "%s", said.c_str());
  cr_assert(said.ends_with("broken invariant: door 3 of the garage does not go from locked to "
                           "broken\n"),
            "%s", said.c_str());
}

Test(state_machine, a_last_state_is_not_left_and_none_is_entered_twice) {
  Moves moves;
  Door door(moves);
  door.state.move_to(Door::State::open);
  last_words([&door] { door.state.move_to(Door::State::open); });
  door.state.move_to(Door::State::broken);
  for (const auto next : {Door::State::shut, Door::State::open, Door::State::broken})
    last_words([&door, next] { door.state.move_to(next); });
}

Test(state_machine, the_invariant_of_a_state_is_checked_as_it_is_entered) {
  Moves moves;
  Door door(moves);
  door.state.move_to(Door::State::open);
  door.state.move_to(Door::State::shut);
  cr_assert_eq(door.checked, 2);
  door.keys = 0;
  const std::string said = last_words([&door] { door.state.move_to(Door::State::locked); });
  cr_assert(said.ends_with("whoever locks a door has a key (keys 0)\n"), "%s", said.c_str());
}

Test(state_machine, the_observer_is_told_each_move_while_it_wants_to_be) {
  Moves moves;
  Door door(moves);
  door.state.move_to(Door::State::open);
  cr_assert_eq(door.named, 0, "text is made that nobody wants");
  moves.wanted = true;
  door.state.move_to(Door::State::shut);
  door.state.move_to(Door::State::locked, "for the night");
  cr_assert_eq(moves.lines.size(), 2);
  cr_assert_eq(moves.lines[0], "door 3 of the garage: open > shut ");
  cr_assert_eq(moves.lines[1], "door 3 of the garage: shut > locked for the night");
  moves.wanted = false;
  door.state.move_to(Door::State::shut);
  cr_assert_eq(moves.lines.size(), 2);
}
