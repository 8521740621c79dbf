import postcss from 'postcss';
export async function main() {
  const r = await postcss([
    {
      postcssPlugin: 'p',
      Declaration(d) {
        if (d.prop === 'color') d.value = 'blue';
      },
    },
  ]).process('a{color:red;b:c}', { from: undefined });
  return r.css;
}
