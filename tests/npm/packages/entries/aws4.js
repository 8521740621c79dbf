import aws4 from 'aws4';
export const main = () =>
  aws4.sign(
    { host: 'sqs.us-east-1.amazonaws.com', path: '/?Action=ListQueues', headers: { 'X-Amz-Date': '20240101T000000Z' } },
    { accessKeyId: 'AKID', secretAccessKey: 'secret' },
  ).headers.Authorization;
