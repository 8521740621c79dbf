import { Tiktoken } from 'js-tiktoken/lite';
import r from 'js-tiktoken/ranks/cl100k_base';
const e = new Tiktoken(r);
export const main = () => [e.encode('hello world, how are you?'), e.decode(e.encode('naïve'))];
