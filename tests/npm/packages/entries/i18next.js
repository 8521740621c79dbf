import i18next from 'i18next';
const i = i18next.createInstance();
export async function main() {
  await i.init({
    lng: 'pl',
    resources: {
      pl: {
        translation: {
          k_one: '{{count}} plik',
          k_few: '{{count}} pliki',
          k_many: '{{count}} plików',
          d: '{{x, datetime(year: numeric; month: long)}}',
        },
      },
    },
  });
  return [i.t('k', { count: 1 }), i.t('k', { count: 3 }), i.t('k', { count: 5 }), i.t('d', { x: new Date(0) })];
}
