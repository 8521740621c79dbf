// SPDX-License-Identifier: Apache-2.0
// An error as it goes to a client, and from process to process: the map {code, message, …}. Its texts
// are UTF-8: what of them is not, as they may quote what somebody sent, is replaced by U+FFFD.
#pragma once

#include "ipc/error.h"
#include "ipc/packer.h"

#include <string_view>

namespace lethe {

// `more` further pairs of the map are the caller's, to be written next.
void write_error(Buffer &out, const Error &error, size_t more = 0);
void pack_text(Packer &packer, std::string_view text);
// The error's further keys with their values, within a map.
void write_error_keys(Buffer &out, const Error &error);

// Has it a code that is known, and a message, as the map of each error?
bool is_error_map(std::string_view map);
// Reads what somebody else wrote: a code that is not known is `internal`, what is neither text nor a
// number is left out, and so is everything from a flaw on.
Error error_from_map(std::string_view map);

} // namespace lethe
