// SPDX-License-Identifier: Apache-2.0
'use strict';
const channels = new Map();

class Channel {
  #subscribers = new Set();

  constructor(name) {
    this.name = name;
  }
  get hasSubscribers() {
    return this.#subscribers.size > 0;
  }
  subscribe(subscriber) {
    this.#subscribers.add(subscriber);
  }
  unsubscribe(subscriber) {
    return this.#subscribers.delete(subscriber);
  }
  publish(message) {
    for (const subscriber of [...this.#subscribers]) subscriber(message, this.name);
  }
  bindStore() {}
  unbindStore() {}
  runStores(message, run, self, ...args) {
    this.publish(message);
    return run.apply(self, args);
  }
}

function channel(name) {
  if (!channels.has(name)) channels.set(name, new Channel(name));
  return channels.get(name);
}

const events = ['start', 'end', 'asyncStart', 'asyncEnd', 'error'];
class TracingChannel {
  constructor(name) {
    for (const event of events) this[event] = typeof name === 'string' ? channel(`tracing:${name}:${event}`) : name[event];
  }
  get hasSubscribers() {
    return events.some((event) => this[event].hasSubscribers);
  }
  subscribe(subscribers) {
    for (const event of events) if (subscribers[event]) this[event].subscribe(subscribers[event]);
  }
  unsubscribe(subscribers) {
    for (const event of events) if (subscribers[event]) this[event].unsubscribe(subscribers[event]);
  }
  traceSync(run, context = {}, self, ...args) {
    this.start.publish(context);
    try {
      return (context.result = run.apply(self, args));
    } catch (error) {
      context.error = error;
      this.error.publish(context);
      throw error;
    } finally {
      this.end.publish(context);
    }
  }
  async #settled(promise, context) {
    try {
      return (context.result = await promise);
    } catch (error) {
      context.error = error;
      this.error.publish(context);
      throw error;
    } finally {
      this.asyncStart.publish(context);
      this.asyncEnd.publish(context);
    }
  }
  tracePromise(run, context = {}, self, ...args) {
    this.start.publish(context);
    try {
      return this.#settled(run.apply(self, args), context);
    } finally {
      this.end.publish(context);
    }
  }
  traceCallback(run, position = -1, context = {}, self, ...args) {
    const at = position < 0 ? args.length + position : position;
    const callback = args[at];
    args[at] = (error, result) => {
      Object.assign(context, error ? { error } : { result });
      if (error) this.error.publish(context);
      this.asyncStart.publish(context);
      try {
        return callback(error, result);
      } finally {
        this.asyncEnd.publish(context);
      }
    };
    this.start.publish(context);
    try {
      return run.apply(self, args);
    } finally {
      this.end.publish(context);
    }
  }
}

module.exports = {
  channel,
  Channel,
  TracingChannel,
  tracingChannel: (name) => new TracingChannel(name),
  hasSubscribers: (name) => channel(name).hasSubscribers,
  subscribe: (name, subscriber) => channel(name).subscribe(subscriber),
  unsubscribe: (name, subscriber) => channel(name).unsubscribe(subscriber),
};
