/* A libcuda for tests: host memory for device memory, and the driver rung's kernel in C. FAKE_CUDA says what is broken. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is(const char *what) {
    const char *mode = getenv("FAKE_CUDA");
    return mode != NULL && strcmp(mode, what) == 0;
}
int cuInit(unsigned flags) {
    if (is("segfault")) return *(volatile int *)8;
    if (is("hang")) for (;;) sleep(1);
    if (is("init")) return 999;
    if (is("nodevice")) return 100;
    return flags;
}
int cuGetErrorName(int code, const char **name) {
    *name = code == 999 ? "CUDA_ERROR_UNKNOWN" : code == 222 ? "CUDA_ERROR_UNSUPPORTED_PTX_VERSION" : "CUDA_ERROR_OTHER";
    return 0;
}
int cuDriverGetVersion(int *version) { *version = 12080; return 0; }
int cuDeviceGetCount(int *count) { *count = 1; return 0; }
int cuDeviceGet(int *device, int index) { *device = index; return index == 0 ? 0 : 101; }
int cuDeviceGetName(char *name, int size, int device) { strncpy(name, "Fake GPU", size); return device; }
int cuDeviceGetAttribute(int *value, int attribute, int device) {
    *value = attribute == 75 ? 9 : attribute == 76 ? 0 : -1;
    return device;
}
int cuDevicePrimaryCtxRetain(void **context, int device) { *context = malloc(8); return device; }
int cuCtxSetCurrent(void *context) { return context == NULL; }
int cuCtxSynchronize(void) { return is("fault") ? 700 : 0; }
int cuMemAlloc_v2(uint64_t *pointer, size_t size) {
    if (is("memory")) return 2;
    *pointer = (uint64_t)(uintptr_t)malloc(size);
    return 0;
}
int cuMemFree_v2(uint64_t pointer) { free((void *)(uintptr_t)pointer); return 0; }
int cuMemcpyHtoD_v2(uint64_t to, const void *from, size_t size) { memcpy((void *)(uintptr_t)to, from, size); return 0; }
int cuMemcpyDtoH_v2(void *to, uint64_t from, size_t size) { memcpy(to, (void *)(uintptr_t)from, size); return 0; }
int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t size) {
    memcpy((void *)(uintptr_t)to, (void *)(uintptr_t)from, size);
    if (is("copy")) *(char *)(uintptr_t)to ^= 1;
    return 0;
}
int cuModuleLoadData(void **module, const char *text) {
    if (is("ptx")) return 222;
    *module = malloc(8);
    return strstr(text, ".version 6.0") == NULL ? 218 : 0;
}
int cuModuleUnload(void *module) { free(module); return 0; }
int cuModuleGetFunction(void **function, void *module, const char *name) {
    *function = module;
    return strcmp(name, "envdoctor_int4") == 0 ? 0 : 500;
}
int cuLaunchKernel(void *function, unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, unsigned bz,
                   unsigned shared, void *stream, void **parameters, void **extra) {
    const uint32_t *words = *(const uint32_t **)parameters[0], *zeros = *(const uint32_t **)parameters[2];
    const float *scales = *(const float **)parameters[1], *x = *(const float **)parameters[3];
    float *out = *(float **)parameters[4];
    uint32_t count = *(uint32_t *)parameters[5], columns = *(uint32_t *)parameters[6], group = *(uint32_t *)parameters[7];
    if (function == NULL || gy * gz * by * bz != 1 || shared != 0 || stream != NULL || extra != NULL) return 1;
    if (is("skip")) return 0;
    for (uint32_t n = 0; n < gx * bx && n < columns; n++) {
        float sum = 0;
        for (uint32_t w = 0; w < count; w++)
            for (uint32_t i = 0; i < 8; i++) {
                uint32_t g = w / group * columns + n;
                int q = (int)((words[w * columns + n] >> 4 * i) & 15) - (int)zeros[g];
                sum += x[8 * w + i] * ((float)q * scales[g]);
            }
        out[n] = is("wrong") && n == 7 ? sum + 1 : sum;
    }
    return 0;
}
