// SPDX-License-Identifier: Apache-2.0
'use strict';
module.exports = { performance, PerformanceObserver, PerformanceEntry, PerformanceMark, PerformanceMeasure, PerformanceObserverEntryList };
