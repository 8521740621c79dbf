import { LuaFactory } from 'wasmoon';
import wasm from 'wasmoon/dist/glue.wasm';
export async function main() {
  const factory = new LuaFactory(`data:application/wasm;base64,${Buffer.from(wasm).toString('base64')}`);
  const lua = await factory.createEngine();
  return lua.doString('local t = {} for i = 1, 3 do t[i] = i * 2 end return table.concat(t, ",")');
}
