// SPDX-License-Identifier: Apache-2.0
// International domain names, with Unicode's tables: only for hosts that need it.
export { toASCII } from 'tr46';
