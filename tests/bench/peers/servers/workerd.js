// Follows the scripts in the module that workerd runs: all requests share its isolate.
const functions = {tiny, later, order, leave, look, loop, regular_expression, native_loop, awaited_loop, bomb};

export default {
  async fetch(message) {
    const request = await message.json();
    try {
      return Response.json({result: await functions[request.function](...request.args)});
    } catch (error) {
      return Response.json({error: String(error)});
    }
  },
};
