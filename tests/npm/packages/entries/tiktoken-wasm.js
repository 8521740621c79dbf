import { init, Tiktoken } from 'tiktoken/lite/init';
import wasm from 'tiktoken/lite/tiktoken_bg.wasm';
import m from 'tiktoken/encoders/cl100k_base.json';
export async function main() {
  await init((i) => WebAssembly.instantiate(wasm, i));
  const e = new Tiktoken(m.bpe_ranks, m.special_tokens, m.pat_str);
  const t = e.encode('hello world, how are you?');
  const s = new TextDecoder().decode(e.decode(t));
  e.free();
  return [[...t], s];
}
