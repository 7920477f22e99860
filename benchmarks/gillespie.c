/* N systems that copy each other, one by one: q = 1/2, r = -1/2.

   Thinning: between copies occupations stand still and phases turn, by Runge-Kutta
   steps of at most `cap` radians; the bound on all rates, sum 2 R sqrt(n_a n_b), is
   constant; a proposal a <- b is accepted with probability sin+. */

#include <math.h>
#include <stdint.h>
#include <string.h>

#define MOST 128

typedef struct {
    uint64_t s[4];
} Random;

typedef struct {
    int M;
    const double *omega, *re, *im, *R;
} Law;

/* splitmix64 and xoshiro256+ (Blackman and Vigna, public domain) */
static void seed_with(Random *random, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z = (seed += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        random->s[i] = z ^ (z >> 31);
    }
}

static double uniform(Random *random)
{
    uint64_t *s = random->s, sum = s[0] + s[3], t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return ((sum >> 11) + 0.5) * 0x1p-53;
}

/* d/dt of u = exp(-i phi): phi' = omega + sum_b root_b/root_a Re(conj(u_a) H_ab u_b) */
static void slope(const Law *law, const double *root, const double *u, double *du)
{
    for (int a = 0; a < law->M; a++) {
        double x = 0, y = 0;
        for (int b = 0; b < law->M; b++) {
            double re = law->re[a * law->M + b], im = law->im[a * law->M + b];
            x += root[b] * (re * u[2 * b] - im * u[2 * b + 1]);
            y += root[b] * (re * u[2 * b + 1] + im * u[2 * b]);
        }
        double turn = law->omega[a] + (x * u[2 * a] + y * u[2 * a + 1]) / root[a];
        du[2 * a] = turn * u[2 * a + 1];
        du[2 * a + 1] = -turn * u[2 * a];
    }
}

static void turn(const Law *law, const double *root, double *u, double dt)
{
    static const double part[4] = {0, 0.5, 0.5, 1}, weight[4] = {1, 2, 2, 1};
    double at[2 * MOST], k[2 * MOST], sum[2 * MOST];
    memset(sum, 0, sizeof sum);
    for (int stage = 0; stage < 4; stage++) {
        for (int j = 0; j < 2 * law->M; j++)
            at[j] = stage ? u[j] + part[stage] * dt * k[j] : u[j];
        slope(law, root, at, k);
        for (int j = 0; j < 2 * law->M; j++) sum[j] += weight[stage] * k[j];
    }
    for (int a = 0; a < law->M; a++) {
        double x = u[2 * a] + dt / 6 * sum[2 * a];
        double y = u[2 * a + 1] + dt / 6 * sum[2 * a + 1], size = hypot(x, y);
        u[2 * a] = x / size;
        u[2 * a + 1] = y / size;
    }
}

/* The bound on all rates; `speed`: of the fastest phase. */
static double bounds(const Law *law, const double *n, double *root, double *speed)
{
    double total = 0;
    *speed = 0;
    for (int a = 0; a < law->M; a++) root[a] = sqrt(n[a]);
    for (int a = 0; a < law->M; a++) {
        double pull = 0;
        for (int b = 0; b < law->M; b++) pull += law->R[a * law->M + b] * root[b];
        total += 2 * root[a] * pull;
        double fast = fabs(law->omega[a]) + (root[a] > 0 ? pull / root[a] : 0);
        if (fast > *speed) *speed = fast;
    }
    return total;
}

/* One trajectory; n and u = exp(-i phi) are those at T after it. Returns proposals
   and steps of phases that were cut by `cap` or T. */
long gillespie(int M, const double *omega, const double *re, const double *im,
               const double *R, double *n, double *u, double T, double cap,
               uint64_t seed, long *events)
{
    Law law = {M, omega, re, im, R};
    Random random;
    double root[MOST], speed, total = bounds(&law, n, root, &speed), t = 0;
    long steps = 0;
    seed_with(&random, seed);
    while (t < T) {
        double wait = -log(uniform(&random)) / total, longest = cap / speed;
        double dt = fmin(fmin(wait, longest), T - t);
        turn(&law, root, u, dt);
        t += dt;
        steps++;
        if (dt < wait) continue;
        double left = uniform(&random) * total;
        int a = 0, b = 0, link = 0;
        for (; link < M * M; link++) {
            a = link / M, b = link % M;
            left -= 2 * R[link] * root[a] * root[b];
            if (left < 0) break;
        }
        if (link == M * M) continue;
        double x = u[2 * a] * u[2 * b] + u[2 * a + 1] * u[2 * b + 1];
        double y = u[2 * a] * u[2 * b + 1] - u[2 * a + 1] * u[2 * b];
        double flow = re[link] * y + im[link] * x;
        if (uniform(&random) * R[link] >= flow) continue;
        n[a] += 1;
        n[b] -= 1;
        (*events)++;
        total = bounds(&law, n, root, &speed);
    }
    return steps;
}
