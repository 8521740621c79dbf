import * as echarts from 'echarts';
export const main = () => {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: 400, height: 300 });
  chart.setOption({ animation: false, xAxis: { data: ['a', 'b', 'c'] }, yAxis: {}, series: [{ type: 'bar', data: [5, 20, 36] }] });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return [svg.startsWith('<svg'), (svg.match(/<path/g) ?? []).length, svg.includes('>c<')];
};
