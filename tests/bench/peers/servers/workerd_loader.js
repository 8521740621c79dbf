// workerd's worker loader: a new worker, in an isolate of its own, for each request.
let count = 0;

export default {
  async fetch(message, environment) {
    const request = await message.text();
    const worker = environment.loader.get(String(++count), () => ({
      compatibilityDate: '2025-10-01',
      mainModule: 'actions.js',
      modules: {'actions.js': environment[JSON.parse(request).script]},
      globalOutbound: null,
    }));
    return worker.getEntrypoint().fetch('http://actions/', {method: 'POST', body: request});
  },
};
