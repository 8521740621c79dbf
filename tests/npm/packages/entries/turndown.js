import T from 'turndown';
export const main = () => new T().turndown('<h1>a</h1><p>b <em>c</em></p>');
