import { XMLParser, XMLBuilder, XMLValidator } from 'fast-xml-parser';
export const main = () => {
  const o = new XMLParser({ ignoreAttributes: false }).parse('<a x="1"><b>1.50</b><b>t</b></a>');
  return [o, new XMLBuilder({ ignoreAttributes: false }).build(o), XMLValidator.validate('<a><b></a>').err.msg];
};
