// SPDX-License-Identifier: Apache-2.0
// UTF-8, as the Encoding Standard has it.
import native from 'lethe:native';

const IGNORE_BOM = 2;

export const utf8Encode = native.encodeUtf8;
export const utf8DecodeWithoutBOM = (bytes) => native.decodeUtf8(bytes, IGNORE_BOM);
