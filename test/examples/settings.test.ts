// The settings of the example applications: from the environment, from files, and what is said of wrong ones.
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { portIn, settingsOf, urlIn } from '../../examples/shared/settings.ts';
import { startExample } from '../servers/example.ts';
import { temporaryDirectory } from '../servers/places.ts';

describe('a setting', () => {
  const directory = temporaryDirectory('settings');
  const file = join(directory, 'url');
  writeFileSync(file, '  redis://127.0.0.1:6379\n');
  afterAll(() => rmSync(directory, { recursive: true }));

  test('is its variable, else what stands in the file that is named, else undefined', () => {
    expect(settingsOf({ REDIS_URL: 'redis://a' })('REDIS_URL')).toBe('redis://a');
    expect(settingsOf({ REDIS_URL_FILE: file })('REDIS_URL')).toBe('redis://127.0.0.1:6379');
    expect(settingsOf({ REDIS_URL: '' })('REDIS_URL')).toBeUndefined();
  });

  test('that is given twice, or whose file is missing or empty, is refused with a sentence', () => {
    const both = settingsOf({ REDIS_URL: 'redis://a', REDIS_URL_FILE: file });
    expect(() => both('REDIS_URL')).toThrow('Both REDIS_URL and REDIS_URL_FILE are set; leave one of them out.');
    const missing = settingsOf({ REDIS_URL_FILE: join(directory, 'none') });
    expect(() => missing('REDIS_URL')).toThrow(/^REDIS_URL_FILE names a file that cannot be read: /);
    const empty = join(directory, 'empty');
    writeFileSync(empty, '\n');
    expect(() => settingsOf({ REDIS_URL_FILE: empty })('REDIS_URL')).toThrow(/^REDIS_URL_FILE names an empty file: /);
  });

  test('PORT is a number from 0 to 65535', () => {
    expect(portIn(settingsOf({}), 5000)).toBe(5000);
    expect(portIn(settingsOf({ PORT: '0' }), 5000)).toBe(0);
    for (const PORT of ['-1', '65536', '80a', '1e3']) {
      expect(() => portIn(settingsOf({ PORT }), 5000)).toThrow('PORT is no port from 0 to 65535');
    }
  });

  test('that is to be a URL and is none is refused without its text, in which a password may stand', () => {
    const urlOf = (MYSQL_URL: string) => urlIn(settingsOf({ MYSQL_URL }), 'MYSQL_URL', ['mysql', 'mariadb']);
    expect(urlOf('mariadb://fruit:secret@host:3306')).toBe('mariadb://fruit:secret@host:3306');
    expect(urlOf('')).toBeUndefined();
    for (const wrong of ['host:3306', 'postgres://fruit:secret@host', 'mysql://fruit:secret@:x:y']) {
      const sentence = /^MYSQL_URL is no URL of the form mysql:\/\/user:password@host:port$/;
      expect(() => urlOf(wrong)).toThrow(sentence);
    }
  });

  test('that is wrong ends an application before it listens, with the sentence', async () => {
    const wrong = startExample('cache-aside/main.ts', { REDIS_URL_FILE: join(directory, 'none') });
    await expect(wrong).rejects.toThrow('REDIS_URL_FILE names a file that cannot be read');
  });
});
