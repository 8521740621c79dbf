import { createSSRApp } from 'vue/dist/vue.cjs.prod.js';
import { renderToString } from '@vue/server-renderer/dist/server-renderer.cjs.prod.js';
export const main = () =>
  renderToString(
    createSSRApp({ data: () => ({ xs: [1, 2] }), template: '<ul><li v-for="x in xs" :key="x">{{ x + 1 }}</li></ul>' }),
  );
