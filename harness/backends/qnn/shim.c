/* Stands in front of Qualcomm's libQnnHtp.so, for an ExecuTorch built against QNN 2.37.
 *
 * QnnHtpDevice_CustomConfig_t is an option number and a union. In the headers of QNN 2.37 the union
 * holds 32-bit fields and begins at byte 4; since it also holds a pointer it begins at byte 8. A newer
 * library therefore reads what such an ExecuTorch passes to deviceCreate from the wrong place.
 *
 * This library has the SONAME libQnnHtp.so, so that ExecuTorch's dlopen("libQnnHtp.so") finds it. It
 * answers with a copy of the real provider record in which only deviceCreate differs. Nothing that
 * belongs to the real library is written to.
 *
 * A process of ours loads it first and hands it the real library. In a C++ program, which finds it by
 * LD_LIBRARY_PATH, it loads the real one itself, from its own folder under another name.
 *
 * Layouts: QnnInterface.h, QnnDevice.h and HTP/QnnHtpDevice.h of the QNN SDK.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qnn_error;
typedef qnn_error (*get_providers_fn)(const void ***providers, uint32_t *count);
typedef qnn_error (*device_create_fn)(void *logger, const void *const *config, void **device);

typedef qnn_error (*get_build_id_fn)(const char **id);
typedef void (*any_fn)(void);

/* QnnInterface_t: backend id, name and API versions, then a table of function pointers that new
 * versions append to. QNN 2.42 has these 67, an ExecuTorch built against 2.37 looks at no more. */
enum { TABLE_OFFSET = 40, TABLE_LENGTH = 67, GET_BUILD_ID = 4, DEVICE_CREATE = 40 };

struct provider {
  unsigned char head[TABLE_OFFSET];
  any_fn functions[TABLE_LENGTH];
};

/* QnnDevice_Config_t; option 0 is QNN_DEVICE_CONFIG_OPTION_CUSTOM. */
struct device_config {
  uint32_t option;
  const void *value;
};
enum { OPTION_CUSTOM = 0 };

/* QnnHtpDevice_CustomConfig_t of QNN 2.37, and large enough for that of newer versions. */
struct narrow_custom_config {
  uint32_t option;
  uint32_t fields[2];
};
struct wide_custom_config {
  uint32_t option;
  uint32_t copy_for_narrow_readers;
  uint32_t fields[14];
};
enum { HTP_OPTION_SOC = 0 };

/* Name under which the real library lies beside this one in a folder for a C++ program. */
#define REAL_LIBRARY "libQnnHtpReal.so"

enum { MAX_CONFIGS = 32 };
static const qnn_error QNN_COMMON_ERROR_GENERAL = 1000;

static struct provider copy;
static const void *provider_list[1];
static device_create_fn real_device_create;

static struct wide_custom_config widen(const struct narrow_custom_config *narrow) {
  struct wide_custom_config wide = {0};
  wide.option = narrow->option;
  memcpy(wide.fields, narrow->fields, sizeof narrow->fields);
  if (narrow->option == HTP_OPTION_SOC) {
    wide.fields[1] = 0;
    wide.copy_for_narrow_readers = narrow->fields[0];
  }
  return wide;
}

static qnn_error device_create(void *logger, const void *const *config, void **device) {
  struct wide_custom_config customs[MAX_CONFIGS];
  struct device_config configs[MAX_CONFIGS];
  const void *pointers[MAX_CONFIGS + 1] = {0};

  if (config == NULL) return real_device_create(logger, NULL, device);
  for (size_t i = 0; config[i] != NULL; i++) {
    if (i == MAX_CONFIGS) return QNN_COMMON_ERROR_GENERAL;
    const struct device_config *given = config[i];
    pointers[i] = given;
    if (given->option != OPTION_CUSTOM || given->value == NULL) continue;
    customs[i] = widen(given->value);
    configs[i].option = OPTION_CUSTOM;
    configs[i].value = &customs[i];
    pointers[i] = &configs[i];
  }
  return real_device_create(logger, pointers, device);
}

/* Takes the provider record of the real library, and whether its union begins at byte 8. Called once,
 * before anybody asks for providers. A library with the old layout is handed on as it is. */
EXPORT void snapgate_front(const void *real_provider, int is_wide) {
  provider_list[0] = real_provider;
  if (!is_wide) return;
  memcpy(&copy, real_provider, sizeof copy);
  real_device_create = (device_create_fn)copy.functions[DEVICE_CREATE];
  copy.functions[DEVICE_CREATE] = (any_fn)device_create;
  provider_list[0] = &copy;
}

/* The newest version that is known to have the narrow struct; 2.38 to 2.46 were never tried. */
static int is_wide(const struct provider *real) {
  get_build_id_fn get_build_id = (get_build_id_fn)real->functions[GET_BUILD_ID];
  const char *id = NULL;
  int major = 0, minor = 0;
  if (get_build_id(&id) != 0 || id == NULL || sscanf(id, "v%d.%d", &major, &minor) != 2) return 1;
  return major > 2 || minor > 37;
}

/* Loads the real library from this one's folder, out of sight of the program: it brings LLVM's C++
 * runtime along, which must not take the place of the program's. */
static void front_neighbour(void) {
  Dl_info self;
  char path[PATH_MAX];
  const void **providers = NULL;
  uint32_t count = 0;
  static int is_asked;

  /* Where the neighbour is this library again, it would ask itself for ever. */
  if (is_asked++ || !dladdr((void *)front_neighbour, &self)) return;
  const char *slash = strrchr(self.dli_fname, '/');
  int folder = slash == NULL ? 0 : (int)(slash - self.dli_fname) + 1;
  int length = snprintf(path, sizeof path, "%.*s" REAL_LIBRARY, folder, self.dli_fname);
  if (length >= (int)sizeof path) return;
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_DEEPBIND);
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return;
  }
  get_providers_fn get_providers = (get_providers_fn)dlsym(library, "QnnInterface_getProviders");
  if (get_providers == NULL || get_providers(&providers, &count) != 0 || count == 0) return;
  snapgate_front(providers[0], is_wide(providers[0]));
}

EXPORT qnn_error QnnInterface_getProviders(const void ***providers, uint32_t *count) {
  if (provider_list[0] == NULL) front_neighbour();
  if (provider_list[0] == NULL) return QNN_COMMON_ERROR_GENERAL;
  *providers = provider_list;
  *count = 1;
  return 0;
}
