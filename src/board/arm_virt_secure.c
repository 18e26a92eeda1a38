/*
 * arm_virt_secure.c - the Arm `virt` board's secure half (secure=on), and its second serial port,
 * which belongs to it there.
 *
 * What is secure is in a container of its own: RAM, the first flash bank, the second serial port, a
 * GPIO controller whose lines end (0) and reset (1) the machine. Each CPU's secure accesses, which
 * ARM_SECURE_SPACE marks, find it before all else; others, and devices, never. Firmware is loaded
 * by way of it. Main thread, but for the GPIO's lines, which any CPU drives.
 */
#include <errno.h>

#include "board/arm_virt.h"
#include "isa/arm/arm.h"

enum { LINE_OFF, LINE_RESET };

void arm_virt_secure_init(struct machine *m)
{
    struct arm_virt *v = m->board_data;
    struct arm_virt_secure *s = &v->apart;
    mem_container(&s->only, "secure", ARM_SECURE_SPACE);
    mem_container(&s->root, "secure-memory", UINT64_MAX);
    mem_alias(&s->system, "system", &m->root, 0, UINT64_MAX);
    mem_alias(&s->shown, "secure", &s->only, 0, ARM_SECURE_SPACE);
    mem_map(&m->memory, &s->root, 0, &s->system, 0);
    mem_map(&m->memory, &s->root, 0, &s->shown, 1);
    machine_space_init(m, &s->space, "secure-memory", &s->root);
}

void arm_virt_secure_fini(struct machine *m)
{
    struct arm_virt_secure *s = &((struct arm_virt *)m->board_data)->apart;
    if (!s->space.root)
        return;
    mem_unmap(&m->memory, &s->ram);
    mem_unmap(&m->memory, &s->system);
    mem_unmap(&m->memory, &s->shown);
    mem_space_fini(&s->space);
}

/* ---- Devices --------------------------------------------------------------------------------- */

static int make_ram(struct machine *m, struct arm_virt_secure *s, struct err *err)
{
    struct ram_block *ram = ram_block_new(&m->memory, "virt.secure-ram", SECURE_RAM_SIZE, err);
    if (!ram)
        return -ENOMEM;
    mem_ram(&s->ram, ram->name, ram, 0, SECURE_RAM_SIZE);
    mem_map(&m->memory, &s->only, SECURE_RAM_BASE, &s->ram, 0);
    return 0;
}

static void set_line(void *sink, unsigned n, int level)
{
    struct machine *m = sink;
    if (level && n == LINE_OFF)
        machine_request_shutdown(m, 0);
    else if (level)
        machine_request_reset(m);
}

static int make_gpio(struct machine *m, struct arm_virt_secure *s, struct err *err)
{
    s->gpio = board_new_device(m, "pl061", "secure-gpio", NULL, err);
    if (!s->gpio || machine_realize(m, s->gpio, err))
        return -ENODEV;
    mem_map(&m->memory, &s->only, SECURE_GPIO_BASE, device_mmio(s->gpio, 0), 0);
    for (unsigned i = LINE_OFF; i <= LINE_RESET; i++)
        device_connect(s->gpio, 1 + i, (struct irq){.set = set_line, .sink = m, .n = i});
    return 0;
}

static int make_serial(struct machine *m, struct arm_virt *v, struct err *err)
{
    struct device *d = board_new_device(m, "pl011", "serial1", NULL, err);
    const char *line = m->config.serial[1];
    if (!d)
        return -ENODEV;
    if (line && device_set(d, "chardev", line, err)) {
        device_free(d);
        return -ENODEV;
    }
    if (machine_realize(m, d, err))
        return -ENODEV;
    mem_map(&m->memory, v->secure ? &v->apart.only : &m->root, UART1_BASE, device_mmio(d, 0), 0);
    device_connect(d, 0, device_input(v->gic, UART1_SPI));
    v->uart1 = d;
    return 0;
}

int arm_virt_secure_devices(struct machine *m, struct err *err)
{
    struct arm_virt *v = m->board_data;
    int r = v->secure || m->config.serial[1] ? make_serial(m, v, err) : 0;
    if (!r && v->secure)
        r = make_ram(m, &v->apart, err);
    if (!r && v->secure)
        r = make_gpio(m, &v->apart, err);
    return r;
}

/* ---- Device tree ----------------------------------------------------------------------------- */

/* For firmware at EL3 alone ("arm/secure.txt"). */
static void mark_secure(struct boot_fdt *f, int node)
{
    boot_fdt_string(f, node, "status", "disabled");
    boot_fdt_string(f, node, "secure-status", "okay");
}

static void add_line(struct boot_fdt *f, const char *name, u32 line)
{
    int node = boot_fdt_node(f, 0, "%s", name);
    boot_fdt_string(f, node, "compatible", name);
    boot_fdt_cells(f, node, "gpios", (const u32[]){PHANDLE_SECURE_GPIO, line, 0}, 3);
    mark_secure(f, node);
}

static void add_gpio(struct boot_fdt *f, const struct arm_virt *v)
{
    int node = arm_virt_fdt_primecell(f, v->apart.gpio, SECURE_GPIO_BASE, 0);
    boot_fdt_u32(f, node, "phandle", PHANDLE_SECURE_GPIO);
    boot_fdt_flag(f, node, "gpio-controller");
    boot_fdt_u32(f, node, "#gpio-cells", 2);
    mark_secure(f, node);
    add_line(f, "gpio-poweroff", LINE_OFF);
    add_line(f, "gpio-restart", LINE_RESET);
}

void arm_virt_secure_fdt(struct boot_fdt *f, const struct arm_virt *v)
{
    char path[32];
    if (!v->uart1)
        return;
    int node = arm_virt_fdt_primecell(f, v->uart1, UART1_BASE, UART1_SPI);
    snprintf(path, sizeof(path), "/pl011@%llx", (unsigned long long)UART1_BASE);
    if (!v->secure) {
        boot_fdt_string(f, boot_fdt_child(f, 0, "aliases"), "serial1", path);
        return;
    }
    mark_secure(f, node);
    boot_fdt_string(f, boot_fdt_node(f, 0, "secure-chosen"), "stdout-path", path);
    node = boot_fdt_node(f, 0, "secram@%llx", (unsigned long long)SECURE_RAM_BASE);
    boot_fdt_reg(f, node, (const u64[]){SECURE_RAM_BASE, SECURE_RAM_SIZE}, 1);
    boot_fdt_string(f, node, "device_type", "memory");
    mark_secure(f, node);
    add_gpio(f, v);
}
