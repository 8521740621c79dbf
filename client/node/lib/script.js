// SPDX-License-Identifier: Apache-2.0
// A script as an object: `login.onLogin(user)` calls its function, and puts its source where the daemon has another or none.
import { isDeepStrictEqual } from 'node:util';

import { Forbidden, NotFound } from './errors.js';
import { Budget, protocolOptions } from './request.js';

/** What is put, and whether the daemon has it: one for a handle and those that with() has made of it. */
class Source {
  constructor(connection, name, text, options) {
    Object.assign(this, { connection, name, text, options, known: text === undefined });
  }

  put() {
    if (this.text === undefined) throw new TypeError(`the handle of ${this.name} has no source: script(name, { source })`);
    return this.connection.put(this.name, this.text, this.options);
  }

  /** Puts it unless the daemon has exactly this. Who comes meanwhile waits for the same. */
  ensure() {
    this.ensuring ??= this.#putWhatDiffers().finally(() => {
      this.ensuring = undefined;
    });
    return this.ensuring;
  }

  async #putWhatDiffers() {
    try {
      if (this.text !== undefined && !this.#same(await this.#there())) await this.put();
    } catch (error) {
      if (!(error instanceof Forbidden)) throw error; // who may not write scripts takes what there is
    }
    this.known = true;
  }

  async #there() {
    try {
      return await this.connection.request('script.get', [this.name]);
    } catch (error) {
      if (error instanceof NotFound) return undefined;
      throw error;
    }
  }

  #same(there) {
    if (there === undefined || there.source !== this.text || 'error' in there) return false;
    const { pool = 'default', warm_up_must_be_pure: _, ...options } = protocolOptions(this.options);
    return there.pool === pool && isDeepStrictEqual(there.options, options);
  }

  async call(name, args, options) {
    const budget = new Budget(options);
    const ask = () => this.connection.call(this.name, name, args, { ...options, deadline: budget.left });
    if (!this.known) await budget.within(this.ensure());
    try {
      return await ask();
    } catch (error) {
      const gone = error instanceof NotFound && error.kind === 'script' && error.details.name === this.name;
      if (!gone || this.text === undefined) throw error;
    }
    await budget.within(this.ensure()); // it has not run: the daemon has lost it
    return ask();
  }
}

/** Its other properties are the script's functions. */
function handleOf(source, options) {
  const handle = {
    name: source.name,
    call: (name, args = [], more = undefined) => source.call(name, args, { ...options, ...more }),
    with: (more) => handleOf(source, { ...options, ...more }),
    ensure: () => source.ensure(),
    put: async () => source.put(),
  };
  return new Proxy(handle, {
    get(_, key) {
      const own = typeof key === 'symbol' || key in handle || key === 'then' || key === 'toJSON'; // no function of a script
      return own ? handle[key] : (...args) => source.call(key, args, options);
    },
  });
}

export function script(connection, name, text, options) {
  return handleOf(new Source(connection, name, text, options), {});
}
