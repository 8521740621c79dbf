import * as toml from 'toml';
export const main = () => JSON.stringify(toml.parse('a = 1\n[b]\nd = 1979-05-27T07:32:00Z\nx = [1.5, 2.5]'));
