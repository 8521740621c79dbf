// SPDX-License-Identifier: Apache-2.0
// Replies to clients.
#pragma once

#include "daemon/master/operation/hello.h"
#include "ipc/error.h"
#include "ipc/packer.h"

#include <string_view>

namespace lethe {

// `[1, msgid, nil,`: the result follows.
void write_result_head(Buffer &out, uint32_t msgid);
// `[1, msgid, error, nil]`
void write_error_response(Buffer &out, uint32_t msgid, const Error &error, ErrorShape shape);
// To a request whose msgid is no such number, but one value all the same.
void write_error_response(Buffer &out, std::string_view raw_msgid, const Error &error,
                          ErrorShape shape);
// The same for an error map that a worker made; `step` is added unless negative. False, and nothing
// written, if it is no map.
bool write_raw_error_response(Buffer &out, uint32_t msgid, std::string_view error_map, int step,
                              ErrorShape shape);

} // namespace lethe
