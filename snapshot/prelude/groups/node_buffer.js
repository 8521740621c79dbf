// SPDX-License-Identifier: Apache-2.0
// Buffer for scripts with node_globals: that of the npm package buffer, which bundles for browsers have, too.
export { Buffer } from 'buffer';
