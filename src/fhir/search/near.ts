import type { Found } from './compile-expression.ts';
import { finite } from './number-values.ts';

/** One coordinate of a Location.position, in degrees (WGS84). */
export interface Coordinate {
  readonly axis: 'latitude' | 'longitude';
  readonly low: number;
  readonly high: number;
}

const EARTH_KM = 6371.0088;
/** Kilometres in the units that `near` takes, by their codes in UCUM. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['km', 1],
  ['m', 0.001],
  ['[mi_i]', 1.609344],
  ['mi_i', 1.609344],
  ['[mi_us]', 1.609347219],
  ['mi_us', 1.609347219],
]);

export interface NearQuery {
  readonly latitude: number;
  readonly longitude: number;
  readonly distanceKm: number;
}

/** R4 lets the server choose when the distance is left out. */
const DEFAULT_KM = 50;

export function positionOf({ value }: Found): readonly Coordinate[] {
  const { latitude, longitude } = value as { latitude?: unknown; longitude?: unknown };
  const [north, east] = [finite(latitude), finite(longitude)];
  if (north === undefined || east === undefined) return [];
  return [
    { axis: 'latitude', low: north, high: north },
    { axis: 'longitude', low: east, high: east },
  ];
}

/** `latitude|longitude|distance|units` of Location's `near` (R4 §8.7.4), the last two optional; undefined for another form. */
export function parseNear(parts: readonly string[]): NearQuery | undefined {
  const [latitude, longitude, distance, unit = 'km'] = parts;
  if (latitude === undefined || longitude === undefined || parts.length > 4) return undefined;
  const [north, east] = [degrees(latitude, 90), degrees(longitude, 180)];
  const far = distance === undefined || distance === '' ? DEFAULT_KM : degrees(distance, 1e6);
  const scale = UNITS.get(unit === '' ? 'km' : unit);
  if (north === undefined || east === undefined || far === undefined || far < 0 || scale === undefined)
    return undefined;
  return {
    latitude: north,
    longitude: east,
    distanceKm: distance === undefined || distance === '' ? far : far * scale,
  };
}

function degrees(text: string, most: number): number | undefined {
  if (!/^-?\d{1,12}(?:\.\d{1,20})?$/.test(text)) return undefined;
  const value = Number(text);
  return Math.abs(value) <= most ? value : undefined;
}

/** Degrees of latitude that the distance spans at most: longitudes run together at the poles and do not bound it. */
export function latitudeSpan({ distanceKm }: NearQuery): number {
  return (distanceKm / EARTH_KM) * (180 / Math.PI) + 1e-6;
}

/** By the great circle (haversine). */
export function isNear(found: Found, query: NearQuery): boolean {
  const [north, east] = positionOf(found);
  if (north === undefined || east === undefined) return false;
  const radians = Math.PI / 180;
  const [from, to] = [query.latitude * radians, north.low * radians];
  const half =
    Math.sin((to - from) / 2) ** 2 +
    Math.cos(from) * Math.cos(to) * Math.sin(((east.low - query.longitude) * radians) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(half))) <= query.distanceKm;
}
