// The mirror of lmlab/generation/sampling.py: the same rules on plain arrays, so that a slider answers at once. Test
// vectors from Python hold both equal (tests/ui/test_sampler_vectors.py). Logits are numbers or -Infinity.

// Places of all ids, the largest value first; equals in the order of their ids.
function ranking(values) {
  return Array.from(values, (_, i) => i).sort((a, b) => values[b] - values[a] || a - b);
}

function softmax(z) {
  const top = Math.max(...z);
  const e = Array.from(z, (x) => Math.exp(x - top));
  const sum = e.reduce((a, b) => a + b, 0);
  return e.map((x) => x / sum);
}

function greedy(z) {
  const best = ranking(z)[0];
  return Array.from(z, (_, i) => (i === best ? 0 : -Infinity));
}

function temperature(z, t) {
  if (t === 0) return greedy(z);
  if (t === 1) return Array.from(z);
  const top = Math.max(...z);
  return Array.from(z, (x) => (x - top) / t);
}

function topK(z, k) {
  const kept = new Set(ranking(z).slice(0, k));
  return Array.from(z, (x, i) => (kept.has(i) ? x : -Infinity));
}

// The token that crosses p is kept; a sum that is p up to rounding has reached p.
function topP(z, p) {
  const share = softmax(z);
  const out = Array.from(z, () => -Infinity);
  let sum = 0;
  for (const [place, i] of ranking(share).entries()) {
    sum += share[i];
    if (place === 0 || sum - share[i] < p - 1e-9) out[i] = z[i];
  }
  return out;
}

function minP(z, p) {
  if (!(p > 0)) return Array.from(z);
  const least = Math.max(...z) + Math.log(p) - 1e-9;
  return Array.from(z, (x) => (x >= least ? x : -Infinity));
}

// Sampling.apply: temperature, then top-k, top-p, min-p; null = not used.
function applyRules(z, { temperature: t = 1, top_k = null, top_p = null, min_p = null }) {
  let out = temperature(z, t);
  if (top_k !== null) out = topK(out, top_k);
  if (top_p !== null) out = topP(out, top_p);
  if (min_p !== null) out = minP(out, min_p);
  return out;
}

// choose(…, likeliest_first=True): the token on which u lands when the probabilities lie end to end.
function choose(probabilities, u) {
  const order = ranking(probabilities);
  const total = order.reduce((sum, i) => sum + probabilities[i], 0);
  let sum = 0;
  for (const i of order) {
    sum += probabilities[i];
    if (sum > u * total) return i;
  }
  return order.findLast((i) => probabilities[i] > 0);
}

// Logits as the worker sends them: base64 of 32-bit floats, or a list where they were typed.
function logitsOf(sent) {
  if (Array.isArray(sent)) return sent;
  return Array.from(new Float32Array(Uint8Array.from(atob(sent), (c) => c.charCodeAt(0)).buffer));
}
