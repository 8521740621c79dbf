import { remark } from 'remark';
import html from 'remark-html';
export async function main() {
  return String(await remark().use(html).process('# a\n\n*b* <script>1</script>'));
}
