// The table of examples/cache-tiering: what is asked and answered, one row after the other.
import { expect } from 'vitest';
import type { RequestRow } from './request-rows.ts';

export type User = { readonly id: number; readonly name: string; readonly email: string };

export const admin: User = { id: 1, name: 'Admin Dev', email: 'Admin@exp.com' };
export const accord: User = { id: 5, name: 'accord prom', email: 'accord@unidev.com' };
export const criminal: User = { id: 1, name: 'criminal', email: 'criminal@admin.com' };
const NOT_FOUND = { error: 'User not found' };

/** The application's table, from cold tiers and the first four users; by their names the database and the nearest tier. */
export function tableOf(database: string, nearest: string): readonly RequestRow[] {
  const missing = { error: 'Missing required fields (id, name, email)' };
  const four = expect.arrayContaining([admin]);
  return [
    ['GET /user/1', 200, { source: database, data: admin }],
    ['GET /user/1', 200, { source: nearest, data: admin }],
    ['GET /user/99', 404, NOT_FOUND],
    ['GET /user/99', 404, NOT_FOUND],
    ['GET /user/one', 404, NOT_FOUND],
    ['GET /users', 200, { source: database, data: four }],
    ['GET /users', 200, { source: nearest, data: four }],
    ['GET /user/5', 404, NOT_FOUND],
    ['POST /add_user', 201, { message: 'User added successfully', data: accord }, accord],
    ['GET /user/5', 200, { source: nearest, data: accord }],
    ['GET /users', 200, { source: database, data: expect.arrayContaining([admin, accord]) }],
    ['POST /add_user', 400, missing, { id: 6, name: 'no address' }],
    ['POST /add_user', 400, missing, { name: 'no id', email: 'a@b' }],
    ['POST /add_user', 400, missing, { id: 6, name: '', email: 'a@b' }],
    ['POST /add_user', 400, missing, { id: { $gt: 0 }, name: 'x', email: 'a@b' }],
    ['POST /add_user', 400, missing, []],
    ['POST /add_user', 409, { error: 'User with ID 5 already exists' }, accord],
    ['PUT /edit_user/1', 200, { message: 'User with ID 1 updated successfully' }, criminal],
    ['GET /user/1', 200, { source: nearest, data: criminal }],
    ['PUT /edit_user/1', 200, { message: 'No changes made to user with ID 1' }, criminal],
    ['PUT /edit_user/1', 400, { error: 'No fields to update' }, {}],
    ['PUT /edit_user/1', 400, { error: 'No fields to update' }, { id: 1 }],
    ['PUT /edit_user/1', 400, { error: 'The id of a user cannot be changed' }, { ...criminal, id: 2 }],
    ['PUT /edit_user/1', 400, { error: 'name and email must be text' }, { name: { $set: 1 } }],
    ['PUT /edit_user/99', 404, NOT_FOUND, { name: 'nobody' }],
    ['GET /users', 200, { source: database, data: expect.arrayContaining([criminal, accord]) }],
    ['DELETE /delete_user/1', 200, { message: 'User with ID 1 deleted successfully' }],
    ['DELETE /delete_user/1', 404, NOT_FOUND],
    ['GET /user/1', 404, NOT_FOUND],
    ['GET /users', 200, { source: database, data: expect.not.arrayContaining([criminal]) }],
    ['DELETE /delete_user/5', 200, { message: 'User with ID 5 deleted successfully' }],
  ];
}
