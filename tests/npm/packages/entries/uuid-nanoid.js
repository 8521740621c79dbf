import { v4, v5, v7, validate } from 'uuid';
import { nanoid, customAlphabet } from 'nanoid';
export const main = () => [v5('a', v5.DNS), validate(v4()), validate(v7()), nanoid().length, customAlphabet('ab', 5)().length];
