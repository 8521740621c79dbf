// SPDX-License-Identifier: Apache-2.0
// What the stacks of errors are made with, whatever a script does to it later.
(function (native) {
  'use strict';
  native.setErrors([Error, Error.prototype.toString]);
})
