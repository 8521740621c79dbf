// SPDX-License-Identifier: Apache-2.0
// What is wrong with a message, for who wrote the program that sent it.
#pragma once

#include <string>
#include <string_view>

namespace lethe {

// `bytes` begin with one whole MessagePack value that is no message of MessagePack-RPC; what has
// arrived behind it says more, and so does `before`, the message before it, if it is at hand. Nothing
// of them is in the text but numbers.
std::string describe_flaw(std::string_view bytes, std::string_view before = {});

// What to do if a value has an extension of the type that msgpackr uses for its records; else nothing.
std::string_view advice_on_records(std::string_view value);

} // namespace lethe
