import { Liquid } from 'liquidjs';
const e = new Liquid();
export async function main() {
  return [
    await e.parseAndRender(
      "{% for i in xs %}{{ i | upcase }} {% endfor %}{{ d | date: '%Y-%m-%d %H:%M' }} {{ 1234.5 | round }}",
      { xs: ['a', 'b'], d: 86400000 / 1000 },
    ),
    e.parseAndRenderSync('{{ "a-b" | split: "-" | join: "+" }}'),
  ];
}
