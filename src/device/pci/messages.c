/*
 * messages.c - interrupts as writes: MSI (PCI 6.8.1) and MSI-X (6.8.2).
 *
 * pci_send sets a pending bit; what is neither masked nor switched off goes out from a task on the
 * loop's thread. A message is a write into the machine's memory that says who it is from: any
 * interrupt controller there takes it. A guest may aim it at RAM, at any register or at the card
 * itself, which is why no lock is held while it is written.
 *
 * MSI-X's BAR: the table at 0, pending bits at 0x800.
 */
#include "device/pci/pci.h"

#include <errno.h>

enum {
    MSIX_PENDING = PCI_VECTORS * 16,
    MSIX_SIZE = 0x1000,
    MSIX_ENABLE = 1 << 15,
    MSIX_MASK_ALL = 1 << 14,
    MSI_ENABLE = 1 << 0,
    /* From the capability's start; 64-bit addresses and a mask for each vector. */
    MSI_CONTROL = 2,
    MSI_ADDRESS = 4,
    MSI_DATA = 12,
    MSI_MASK = 16,
    MSI_PENDING = 20,
    MSI_SIZE = 24,
    ENTRY_DATA = 8,
    ENTRY_CONTROL = 12, /* bit 0: masked */
};

struct message {
    u64 address;
    u32 data;
};

bool pci_has_msix(const struct pci_function *f)
{
    return f->msix && pci_config(f, f->msix + 2u, 2) & MSIX_ENABLE;
}

static bool has_msi(const struct pci_function *f)
{
    return f->msi && pci_config(f, f->msi + MSI_CONTROL, 2) & MSI_ENABLE;
}

bool pci_has_messages(const struct pci_function *f)
{
    return pci_has_msix(f) || has_msi(f);
}

/* ---- Sending --------------------------------------------------------------------------------- */

/* How many the driver has allowed, of those that there are. */
static unsigned msi_count(const struct pci_function *f)
{
    u32 control = pci_config(f, f->msi + MSI_CONTROL, 2);
    return 1u << MIN(bits_get(control, 4, 3), bits_get(control, 1, 3));
}

static bool msi_message(const struct pci_function *f, unsigned n, struct message *m)
{
    unsigned at = f->msi;
    if (pci_config(f, at + MSI_MASK, 4) >> n & 1)
        return false;
    m->address =
        (u64)pci_config(f, at + MSI_ADDRESS + 4, 4) << 32 | pci_config(f, at + MSI_ADDRESS, 4);
    m->data = (pci_config(f, at + MSI_DATA, 2) & ~(msi_count(f) - 1)) | n;
    return true;
}

static bool msix_message(const struct pci_function *f, unsigned n, struct message *m)
{
    const u8 *entry = f->messages.table + 16 * n;
    if (pci_config(f, f->msix + 2u, 2) & MSIX_MASK_ALL || entry[ENTRY_CONTROL] & 1)
        return false;
    m->address = load_le(entry, 8) & ~UINT64_C(3);
    m->data = (u32)load_le(entry + ENTRY_DATA, 4);
    return true;
}

/* The next message that may go, its number; -1: none. */
static int next_message(const struct pci_function *f, struct message *m)
{
    if (!pci_has_messages(f) || !pci_is_master(f))
        return -1;
    for (unsigned word = 0; word < ARRAY_SIZE(f->messages.pending); word++) {
        for (u64 left = f->messages.pending[word]; left; left &= left - 1) {
            unsigned n = 64 * word + ctz64(left);
            if (pci_has_msix(f) ? msix_message(f, n, m) : n < 32 && msi_message(f, n, m))
                return (int)n;
        }
    }
    return -1;
}

static void set_pending(struct pci_function *f, unsigned n, bool on)
{
    u64 *word = &f->messages.pending[n / 64];
    *word = on ? *word | BIT(n % 64) : *word & ~BIT(n % 64);
}

static void send_task(void *opaque)
{
    struct pci_function *f = opaque;
    struct message m;
    for (unsigned i = 0; i < PCI_VECTORS; i++) {
        device_lock(&f->dev);
        int n = next_message(f, &m);
        u32 requester = f->bus ? pci_bus_number(f->bus) << 8 | f->devfn : 0;
        if (n >= 0)
            set_pending(f, (unsigned)n, false);
        device_unlock(&f->dev);
        if (n < 0)
            return;
        if (mem_message(f->dev.host->dma, m.address, m.data, requester) != MEM_OK)
            device_guest_error(&f->dev, "nothing takes its message to 0x%llx",
                               (unsigned long long)m.address);
    }
    loop_task_schedule(&f->messages.task); /* let others have their turn */
}

void pci_messages_changed(struct pci_function *f)
{
    struct message m;
    if (next_message(f, &m) >= 0)
        loop_task_schedule(&f->messages.task);
}

void pci_send(struct pci_function *f, unsigned vector)
{
    if (pci_has_msix(f) ? vector >= f->messages.vectors : !has_msi(f))
        return;
    set_pending(f, pci_has_msix(f) ? vector : vector & (msi_count(f) - 1), true);
    pci_messages_changed(f);
}

/* ---- Registers ------------------------------------------------------------------------------- */

static u64 msix_read(void *opaque, u64 offset, unsigned size)
{
    const struct pci_messages *m = &((struct pci_function *)opaque)->messages;
    if (offset + size <= 16u * m->vectors)
        return load_le(m->table + offset, size);
    u64 at = offset - MSIX_PENDING;
    if (offset >= MSIX_PENDING && at + size <= sizeof(m->pending))
        return load_le((const u8 *)m->pending + at, size);
    return 0;
}

static void msix_write(void *opaque, u64 offset, u64 value, unsigned size)
{
    struct pci_function *f = opaque;
    struct pci_messages *m = &f->messages;
    if (offset + size > 16u * m->vectors) {
        device_guest_error(&f->dev, "write to its MSI-X table at 0x%llx",
                           (unsigned long long)offset);
        return;
    }
    store_le(m->table + offset, value, size);
    u8 *control = m->table + align_down(offset, 16) + ENTRY_CONTROL;
    store_le(control, control[0] & 1, 4);
    pci_messages_changed(f);
}

static const struct mem_ops msix_ops = {.read = msix_read, .write = msix_write};

u8 pci_messages_live(const struct pci_function *f, unsigned offset)
{
    unsigned at = offset - f->msi - MSI_PENDING;
    return f->msi && at < 4 ? (u8)(f->messages.pending[0] >> 8 * at) : 0;
}

void pci_add_msi(struct pci_function *f, unsigned log2_vectors)
{
    u32 vectors = (u32)(BIT(1u << log2_vectors) - 1);
    unsigned at = f->msi = pci_add_capability(f, PCI_CAP_MSI, MSI_SIZE);
    assert(log2_vectors <= 5);
    pci_config_set(f, at + MSI_CONTROL, 2, 1 << 8 | 1 << 7 | log2_vectors << 1, 0x71);
    pci_config_set(f, at + MSI_ADDRESS, 4, 0, ~3u);
    pci_config_set(f, at + MSI_ADDRESS + 4, 4, 0, ~0u);
    pci_config_set(f, at + MSI_DATA, 2, 0, 0xffff);
    pci_config_set(f, at + MSI_MASK, 4, 0, vectors);
}

void pci_add_msix(struct pci_function *f, unsigned bar, u16 vectors)
{
    struct pci_messages *m = &f->messages;
    assert(vectors && vectors <= PCI_VECTORS);
    m->vectors = vectors;
    f->msix = pci_add_capability(f, PCI_CAP_MSIX, 12);
    pci_config_set(f, f->msix + 2u, 2, vectors - 1u, MSIX_ENABLE | MSIX_MASK_ALL);
    pci_config_set(f, f->msix + 4u, 4, bar, 0);
    pci_config_set(f, f->msix + 8u, 4, MSIX_PENDING | bar, 0);
    mem_io(&m->region, "msix", MSIX_SIZE, &msix_ops, f, f->dev.host->lock);
    pci_add_bar(f, bar, PCI_BAR_32, &m->region);
    pci_messages_reset(f);
}

/* ---- Life ------------------------------------------------------------------------------------ */

void pci_messages_init(struct pci_function *f)
{
    loop_task_init(&f->messages.task, f->dev.host->loop, send_task, f);
}

void pci_messages_reset(struct pci_function *f)
{
    struct pci_messages *m = &f->messages;
    memset(m->pending, 0, sizeof(m->pending));
    memset(m->table, 0, sizeof(m->table));
    for (unsigned i = 0; i < m->vectors; i++)
        m->table[16 * i + ENTRY_CONTROL] = 1;
}

int pci_messages_post_load(struct pci_function *f, struct err *err)
{
    struct pci_messages *m = &f->messages;
    unsigned count = f->msi ? MAX(m->vectors, 32) : m->vectors;
    for (unsigned n = 0; n < PCI_VECTORS; n++) {
        u64 control = load_le(m->table + 16 * n + ENTRY_CONTROL, 4);
        if ((n >= count && m->pending[n / 64] & BIT(n % 64)) || control > (n < m->vectors))
            return err_set(err, EINVAL, "%s: the stream's interrupt vector %u of %u makes no sense",
                           f->dev.id, n, count);
    }
    return 0;
}
