// Follows the scripts in the module that workerd runs.
const functions = {tiny, later, leave, look, missing, loop, regular_expression, native_loop, awaited_loop, bomb};
if (typeof order === 'function') functions.order = order;

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
