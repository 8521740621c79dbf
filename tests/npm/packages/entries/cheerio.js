import * as cheerio from 'cheerio';
export const main = () => {
  const $ = cheerio.load('<ul><li class="a">1</li><li>2</li></ul>');
  $('li.a').attr('x', 'y').append('<b>z</b>');
  return [
    $('li')
      .map((_, e) => $(e).text())
      .get(),
    $('ul').html(),
  ];
};
