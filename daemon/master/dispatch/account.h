// SPDX-License-Identifier: Apache-2.0
// What each user holds of the daemon: connections, and bytes of whatever is kept for its clients.
#pragma once

#include "daemon/master/dispatch/run_history.h"
#include "daemon/master/operation/line_allowance.h"
#include "ipc/invariant.h"

#include <cstddef>
#include <map>
#include <memory>
#include <sys/types.h>
#include <utility>

namespace lethe {

// One user's. Clients of a user have it in common, and what they left behind keeps it, too.
struct Account {
  Account(uid_t its_user, size_t &of_all) : user(its_user), bytes_of_all(of_all) {}

  const uid_t user;       // as the kernel tells it
  bool is_admin = false;  // is never to be locked out
  size_t connections = 0; // that are served
  size_t bytes = 0;       // of all its holdings
  const RunHistoryPointer evals = RunHistory::of_evals(user);
  LineAllowance broken_lines; // of connections that are closed for what they sent
  size_t &bytes_of_all;
};

using AccountPointer = std::shared_ptr<Account>;

// Bytes that something keeps for a while, on its user's account.
class Holding {
public:
  Holding() = default;
  explicit Holding(AccountPointer account) : account_(std::move(account)) {}
  Holding(const Holding &) = delete;
  ~Holding() { set(0); }

  size_t bytes() const { return bytes_; }
  const AccountPointer &account() const { return account_; }
  // With what it has now.
  void move_to(const AccountPointer &account) {
    if (account_ == account)
      return;
    const size_t bytes = bytes_;
    set(0);
    account_ = account;
    set(bytes);
  }
  void set(size_t bytes) {
    if (bytes == bytes_)
      return;
    invariant(account_ && account_->bytes >= bytes_ && account_->bytes_of_all >= account_->bytes,
              "bytes are counted before they go, on an account", {"here", bytes_});
    account_->bytes += bytes - bytes_;
    account_->bytes_of_all += bytes - bytes_;
    bytes_ = bytes;
  }

private:
  AccountPointer account_;
  size_t bytes_ = 0;
};

class Accounts {
public:
  Accounts() = default;
  Accounts(const Accounts &) = delete;

  // A user's account, made when it is first asked for.
  const AccountPointer &of(uid_t user) {
    AccountPointer &account = accounts_[user];
    if (!account)
      account = std::make_shared<Account>(user, bytes_);
    return account;
  }
  // Of what no user has asked for.
  const AccountPointer &nobody() { return of(static_cast<uid_t>(-1)); }
  size_t bytes() const { return bytes_; } // of all users' holdings
  // The one with the greatest amount, if somebody has any. Administrators' last, so that they get in
  // whatever others do.
  template <typename Amount> Account *greatest(Amount amount) const {
    Account *most = nullptr;
    for (const auto &[user, account] : accounts_)
      if (amount(*account) > 0 && (!most || std::pair(!account->is_admin, amount(*account)) >
                                                std::pair(!most->is_admin, amount(*most))))
        most = account.get();
    return most;
  }
  // Those of users who have nothing here any more, good or bad.
  void forget_unused(int64_t now_us) {
    std::erase_if(accounts_, [now_us](const auto &entry) {
      return entry.second.use_count() == 1 && entry.second->evals->is_clean(now_us);
    });
  }

private:
  size_t bytes_ = 0;
  std::map<uid_t, AccountPointer> accounts_;
};

} // namespace lethe
