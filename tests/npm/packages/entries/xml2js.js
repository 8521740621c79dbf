import xml2js from 'xml2js';
export async function main() {
  const r = await xml2js.parseStringPromise('<a x="1"><b>t</b><b/><c><![CDATA[<z>]]></c></a>');
  return [
    r,
    new xml2js.Builder({ headless: true, renderOpts: { pretty: false } }).buildObject({ q: { $: { k: 'v' }, _: 't<' } }),
  ];
}
