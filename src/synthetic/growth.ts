import { type Curve, curveAt } from './curve.ts';

type BySex = Readonly<Record<'female' | 'male', Curve>>;

/*
 * Medians by age in years: WHO Child Growth Standards to the second year, CDC growth charts (2000) from then on,
 * rounded. Between the points growth is taken to be even.
 */
const HEIGHT_CM: BySex = {
  male: [
    [0, 49.9],
    [0.25, 61.4],
    [0.5, 67.6],
    [0.75, 72],
    [1, 75.7],
    [2, 87.1],
    [3, 95.3],
    [4, 102.5],
    [6, 115.7],
    [8, 128],
    [10, 138.8],
    [12, 149],
    [14, 164],
    [16, 173.4],
    [18, 176.1],
  ],
  female: [
    [0, 49.1],
    [0.25, 59.8],
    [0.5, 65.7],
    [0.75, 70.1],
    [1, 74],
    [2, 85.7],
    [3, 94.2],
    [4, 101],
    [6, 115],
    [8, 127.5],
    [10, 138.3],
    [12, 151.5],
    [14, 160.5],
    [16, 162.5],
    [18, 163.1],
  ],
};

const WEIGHT_KG: BySex = {
  male: [
    [0, 3.3],
    [0.25, 6.4],
    [0.5, 7.9],
    [0.75, 8.9],
    [1, 9.6],
    [2, 12.2],
    [3, 14.3],
    [4, 16.3],
    [6, 20.7],
    [8, 25.6],
    [10, 31.9],
    [12, 40.5],
    [14, 51],
    [16, 61],
    [18, 67],
  ],
  female: [
    [0, 3.2],
    [0.25, 5.8],
    [0.5, 7.3],
    [0.75, 8.2],
    [1, 8.9],
    [2, 11.5],
    [3, 13.9],
    [4, 15.9],
    [6, 20.2],
    [8, 25.6],
    [10, 32.9],
    [12, 41.6],
    [14, 49.4],
    [16, 53.9],
    [18, 56.7],
  ],
};

const HEAD_CM: BySex = {
  male: [
    [0, 34.5],
    [0.25, 40.5],
    [0.5, 43.3],
    [1, 46.1],
    [2, 48.3],
    [3, 49.5],
  ],
  female: [
    [0, 33.9],
    [0.25, 39.5],
    [0.5, 42.2],
    [1, 44.9],
    [2, 47.2],
    [3, 48.5],
  ],
};

/** Median height in centimetres; the adult's from 18 on. */
export function medianHeightCm(gender: 'female' | 'male', years: number): number {
  return curveAt(HEIGHT_CM[gender], years);
}

/** Median body mass index in kg/m², as weight and height give it; that of 18 for adults. */
export function medianBmi(gender: 'female' | 'male', years: number): number {
  const metres = curveAt(HEIGHT_CM[gender], years) / 100;
  return curveAt(WEIGHT_KG[gender], years) / (metres * metres);
}

/** Median circumference of the head in centimetres, for the first three years. */
export function medianHeadCm(gender: 'female' | 'male', years: number): number {
  return curveAt(HEAD_CM[gender], years);
}
