import { createSSRApp, h, ref, computed } from 'vue';
import { renderToString } from '@vue/server-renderer';
const A = {
  props: ['n'],
  setup(p) {
    const x = ref(p.n);
    const d = computed(() => x.value * 2);
    return () => h('li', { class: ['a', { b: true }] }, d.value);
  },
};
export const main = () =>
  renderToString(
    createSSRApp({
      render: () =>
        h(
          'ul',
          [1, 2].map((n) => h(A, { n })),
        ),
    }),
  );
