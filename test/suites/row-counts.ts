// Adds one row, document or message to a server through its own client, and says how many there are: shows what survives a kill.
import amqplib from 'amqplib';
import { Redis } from 'ioredis';
import { MongoClient } from 'mongodb';
import { createConnection } from 'mysql2/promise';
import pg from 'pg';

export async function countInRedis({ port }: { readonly port: number }): Promise<number> {
  const client = new Redis(port, '127.0.0.1');
  try {
    return await client.incr('rows');
  } finally {
    client.disconnect();
  }
}

export async function countInMariadb({ url }: { readonly url: string }): Promise<number> {
  const client = await createConnection(url);
  try {
    await client.query('CREATE TABLE IF NOT EXISTS kept (id INT PRIMARY KEY AUTO_INCREMENT)');
    await client.query('INSERT INTO kept VALUES ()');
    const [rows] = await client.query('SELECT id FROM kept');
    return Array.isArray(rows) ? rows.length : 0;
  } finally {
    client.destroy();
  }
}

export async function countInPostgres({ url }: { readonly url: string }): Promise<number> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    await client.query('CREATE TABLE IF NOT EXISTS kept (id serial PRIMARY KEY)');
    await client.query('INSERT INTO kept DEFAULT VALUES');
    return (await client.query('SELECT id FROM kept')).rows.length;
  } finally {
    await client.end();
  }
}

export async function countInMongodb({ url }: { readonly url: string }): Promise<number> {
  const client = new MongoClient(url, { retryWrites: false });
  try {
    const kept = client.db('chorus').collection('kept');
    await kept.insertOne({});
    return await kept.countDocuments();
  } finally {
    await client.close();
  }
}

/** Publishes with a confirm to a durable classic queue. */
export async function countInRabbitmq({ url }: { readonly url: string }): Promise<number> {
  const connection = await amqplib.connect(url);
  try {
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue('kept', { durable: true });
    channel.sendToQueue('kept', Buffer.from('one'), { persistent: true });
    await channel.waitForConfirms();
    return (await channel.checkQueue('kept')).messageCount;
  } finally {
    await connection.close();
  }
}
