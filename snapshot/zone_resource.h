// SPDX-License-Identifier: Apache-2.0
// Time zones in the form in which ICU reads them: the file zoneinfo64.res.
#pragma once

#include "snapshot/time_zones.h"

namespace lethe {

// The bytes of that file, for this machine.
std::string zone_resource(const TimeZones &zones);

} // namespace lethe
