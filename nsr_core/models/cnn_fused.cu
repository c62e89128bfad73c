// The CNN's eleven convolutions on a CUDA device: one block of threads takes one beat all the way, its maps in shared memory.
//
// A convolution is a matrix product: (length, 5 * 32) shifted rows of the map by (5 * 32, 32) weights. The tensor cores take
// it in pieces of 16 x 8 by 8 x 8 in TF32, which keeps 11 of a number's 24 bits. Forward, each number is split into two TF32
// parts and three products are summed, which leaves an error of float32's size; backward one product is enough.

#include <cstdint>
#include <cuda_runtime.h>

namespace {

constexpr int CHANNELS = 32, TAPS = 5, DEPTH = TAPS * CHANNELS, SAMPLES = 187, BLOCKS = 5;
constexpr int THREADS = 256, STEPS = DEPTH / 8;
// Rows of a map in shared memory begin 36 numbers apart, so that a warp's reads meet all banks; two rows of zeros go before.
constexpr int PITCH = 36, HALO = 2, ROWS = 196;
constexpr int SHARED_BYTES = 2 * ROWS * PITCH * sizeof(float) + (SAMPLES + 2 * HALO) * sizeof(float);
// Of the maps before each block and after the last; where each block's part of the trail begins, before and after pooling.
__constant__ const int LENGTH[BLOCKS + 1] = {187, 92, 44, 20, 8, 2};
__constant__ const int BEFORE[BLOCKS] = {0, 187, 279, 323, 343}, AFTER[BLOCKS] = {0, 92, 136, 156, 164};
constexpr int ALL_BEFORE = 351, ALL_AFTER = 166;

__device__ inline uint32_t tf32(float value) {
    uint32_t rounded;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(rounded) : "f"(value));
    return rounded;
}

__device__ inline void multiply(float (&sum)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sum[0]), "+f"(sum[1]), "+f"(sum[2]), "+f"(sum[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

template <int COUNT>
__device__ inline void split(const float (&value)[COUNT], uint32_t (&high)[COUNT], uint32_t (&low)[COUNT]) {
#pragma unroll
    for (int i = 0; i < COUNT; ++i) {
        high[i] = tf32(value[i]);
        low[i] = tf32(value[i] - __uint_as_float(high[i]));
    }
}

__device__ inline int rounded_up(int length) { return (length + 15) / 16 * 16; }

// finish(row, channel, value) for every row below rounded_up(length) of the convolution of `source` with `weights`,
// (5 * 32, 32) taps and input channels by output channels. A warp takes 16 of the 32 channels and every fourth 16 rows.
template <bool EXACT, class Finish>
__device__ void convolve(const float* source, const float* __restrict__ weights, int length, Finish finish) {
    const int lane = threadIdx.x % 32, warp = threadIdx.x / 32, group = lane / 4, member = lane % 4;
    const int column = warp % 2 * 16, tiles = (length + 15) / 16;
    if (warp / 2 >= tiles) return;
    float kernel[STEPS][2][2];
#pragma unroll
    for (int step = 0; step < STEPS; ++step)
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int part = 0; part < 2; ++part)
                kernel[step][half][part] =
                    weights[(step * 8 + member + 4 * part) * CHANNELS + column + 8 * half + group];
    for (int tile = warp / 2; tile < tiles; tile += THREADS / 64) {
        float sum[2][4] = {};
#pragma unroll
        for (int step = 0; step < STEPS; ++step) {
            const float* at = source + (tile * 16 + group + step / 4) * PITCH + step % 4 * 8 + member;
            const float value[4] = {at[0], at[8 * PITCH], at[4], at[8 * PITCH + 4]};
            uint32_t a[4], a_low[4], b[2], b_low[2];
            split(value, a, a_low);
#pragma unroll
            for (int half = 0; half < 2; ++half) {
                split(kernel[step][half], b, b_low);
                if (EXACT) {
                    multiply(sum[half], a_low, b);
                    multiply(sum[half], a, b_low);
                }
                multiply(sum[half], a, b);
            }
        }
#pragma unroll
        for (int half = 0; half < 2; ++half)
#pragma unroll
            for (int i = 0; i < 4; ++i)
                finish(tile * 16 + group + i / 2 * 8, column + 8 * half + 2 * member + i % 2, sum[half][i]);
    }
}

__device__ inline float& cell(float* map, int row, int channel) { return map[(row + HALO) * PITCH + channel]; }

__device__ void clear_halo(float* one, float* other) {
    for (int i = threadIdx.x; i < HALO * PITCH; i += THREADS) one[i] = other[i] = 0;
}

__device__ inline void swap(float*& one, float*& other) {
    float* kept = one;
    one = other;
    other = kept;
}

__global__ void __launch_bounds__(THREADS, 2) forward(
    const float* __restrict__ x, const float* __restrict__ stem, const float* __restrict__ stem_bias,
    const float* __restrict__ weights, const float* __restrict__ biases, int8_t* first, int8_t* second, int8_t* winners,
    float* out, bool keep) {
    extern __shared__ float shared[];
    float *map = shared, *inner = map + ROWS * PITCH, *signal = inner + ROWS * PITCH;
    const long long beat = blockIdx.x;
    first += beat * ALL_BEFORE * CHANNELS, second += beat * ALL_BEFORE * CHANNELS, winners += beat * ALL_AFTER * CHANNELS;
    clear_halo(map, inner);
    for (int i = threadIdx.x; i < SAMPLES + 2 * HALO; i += THREADS)
        signal[i] = i >= HALO && i < SAMPLES + HALO ? x[beat * SAMPLES + i - HALO] : 0;
    __syncthreads();
    for (int i = threadIdx.x; i < rounded_up(SAMPLES) * CHANNELS; i += THREADS) {
        const int row = i / CHANNELS, channel = i % CHANNELS;
        float sum = 0;
        if (row < SAMPLES) {
            sum = stem_bias[channel];
            for (int tap = 0; tap < TAPS; ++tap) sum += signal[row + tap] * stem[tap * CHANNELS + channel];
        }
        cell(map, row, channel) = sum;
    }
    __syncthreads();
    for (int block = 0; block < BLOCKS; ++block) {
        const int length = LENGTH[block], pooled = LENGTH[block + 1];
        const float *kernel = weights + block * 2 * DEPTH * CHANNELS, *bias = biases + block * 2 * CHANNELS;
        int8_t *trail_first = first + BEFORE[block] * CHANNELS, *trail_second = second + BEFORE[block] * CHANNELS;
        convolve<true>(map, kernel, length, [&](int row, int channel, float value) {
            value += bias[channel];
            if (keep && row < length) trail_first[row * CHANNELS + channel] = value > 0;
            cell(inner, row, channel) = row < length ? fmaxf(value, 0) : 0;
        });
        __syncthreads();
        convolve<true>(inner, kernel + DEPTH * CHANNELS, length, [&](int row, int channel, float value) {
            value += bias[CHANNELS + channel] + cell(map, row, channel);
            if (keep && row < length) trail_second[row * CHANNELS + channel] = value > 0;
            cell(map, row, channel) = row < length ? fmaxf(value, 0) : 0;
        });
        __syncthreads();
        for (int i = threadIdx.x; i < rounded_up(pooled) * CHANNELS; i += THREADS) {
            const int row = i / CHANNELS, channel = i % CHANNELS;
            float largest = 0;
            if (row < pooled) {
                int winner = 0;  // of equals the first, as PyTorch has it
                largest = cell(map, 2 * row, channel);
                for (int place = 1; place < 5; ++place) {
                    const float value = cell(map, 2 * row + place, channel);
                    if (value > largest) largest = value, winner = place;
                }
                if (keep) winners[(AFTER[block] + row) * CHANNELS + channel] = winner;
            }
            cell(inner, row, channel) = largest;
        }
        __syncthreads();
        swap(map, inner);
    }
    if (threadIdx.x < 2 * CHANNELS)
        out[beat * 2 * CHANNELS + threadIdx.x] = cell(map, threadIdx.x % 2, threadIdx.x / 2);
}

__global__ void __launch_bounds__(THREADS, 2) backward(
    const float* __restrict__ gradient, const float* __restrict__ stem, const float* __restrict__ weights,
    const int8_t* __restrict__ first, const int8_t* __restrict__ second, const int8_t* __restrict__ winners, float* out) {
    extern __shared__ float shared[];
    float *map = shared, *inner = map + ROWS * PITCH;
    const long long beat = blockIdx.x;
    first += beat * ALL_BEFORE * CHANNELS, second += beat * ALL_BEFORE * CHANNELS, winners += beat * ALL_AFTER * CHANNELS;
    clear_halo(map, inner);
    if (threadIdx.x < 2 * CHANNELS)
        cell(map, threadIdx.x % 2, threadIdx.x / 2) = gradient[beat * 2 * CHANNELS + threadIdx.x];
    __syncthreads();
    for (int block = BLOCKS - 1; block >= 0; --block) {
        const int length = LENGTH[block], pooled = LENGTH[block + 1];
        const float* kernel = weights + block * 2 * DEPTH * CHANNELS;
        const int8_t *trail_first = first + BEFORE[block] * CHANNELS, *trail_second = second + BEFORE[block] * CHANNELS;
        const int8_t* won = winners + AFTER[block] * CHANNELS;
        for (int i = threadIdx.x; i < rounded_up(length) * CHANNELS; i += THREADS) {
            const int row = i / CHANNELS, channel = i % CHANNELS;
            float sum = 0;
            if (row < length && trail_second[i])
                for (int behind = 0; behind < 3; ++behind) {  // up to three windows hold a sample
                    const int window = row / 2 - behind, place = row - 2 * window;
                    if (window >= 0 && window < pooled && place < 5 && won[window * CHANNELS + channel] == place)
                        sum += cell(map, window, channel);
                }
            cell(inner, row, channel) = sum;
        }
        __syncthreads();
        convolve<false>(inner, kernel + DEPTH * CHANNELS, length, [&](int row, int channel, float value) {
            cell(map, row, channel) = row < length && trail_first[row * CHANNELS + channel] ? value : 0;
        });
        __syncthreads();
        convolve<false>(map, kernel, length, [&](int row, int channel, float value) {
            if (row < length) cell(inner, row, channel) += value;
        });
        __syncthreads();
        swap(map, inner);
    }
    for (int row = threadIdx.x; row < SAMPLES; row += THREADS) {
        float sum = 0;
        for (int tap = 0; tap < TAPS; ++tap)
            for (int channel = 0; channel < CHANNELS; ++channel)
                sum += cell(map, row - tap + 2, channel) * stem[tap * CHANNELS + channel];
        out[beat * SAMPLES + row] = sum;
    }
}

template <class Kernel>
cudaError_t allow_shared(Kernel kernel) {
    return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, SHARED_BYTES);
}

}  // namespace

// Each gives 0, or CUDA's number of an error. All pointers are on the device; see cnn_fused.py for the shapes.
extern "C" int cnn_prepare() {
    const cudaError_t one = allow_shared(forward), other = allow_shared(backward);
    return one != cudaSuccess ? one : other;
}

extern "C" int cnn_forward(
    const float* x, const float* stem, const float* stem_bias, const float* weights, const float* biases, int8_t* first,
    int8_t* second, int8_t* winners, float* out, int batch, int keep, cudaStream_t stream) {
    forward<<<batch, THREADS, SHARED_BYTES, stream>>>(
        x, stem, stem_bias, weights, biases, first, second, winners, out, keep != 0);
    return cudaGetLastError();
}

extern "C" int cnn_backward(
    const float* gradient, const float* stem, const float* weights, const int8_t* first, const int8_t* second,
    const int8_t* winners, float* out, int batch, cudaStream_t stream) {
    backward<<<batch, THREADS, SHARED_BYTES, stream>>>(gradient, stem, weights, first, second, winners, out);
    return cudaGetLastError();
}
