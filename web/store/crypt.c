#include "store/crypt.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>

#include "base/fd.h"
#include "base/rand.h"

#define KEY_FILE "config.key"
#define NONCE 12
#define TAG 16

static int make_key(int dir, struct crypt *c, struct error *err)
{
	rand_bytes(c->key, sizeof(c->key));
	return fd_write_file(
	    dir, KEY_FILE, str_make(c->key, sizeof(c->key)), 0600, err);
}

int crypt_open(
    const char *folder, bool make, struct crypt *ret, struct error *err)
{
	scoped_fd int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	scoped_buf struct buf key = BUF_INIT(CRYPT_KEY + 1);
	struct error why = {0};

	if (dir == -1)
		return error_sys(err, "open %s", folder);
	if (fd_read_file(dir, KEY_FILE, &key, &why) == -1) {
		if (make && why.sys == ENOENT)
			return make_key(dir, ret, err);
		return error_set(err, why.code,
		    "the config vars can't be read without their key: put it "
		    "back from a backup (%s)",
		    why.msg);
	}
	if (key.len != CRYPT_KEY)
		return error_set(err, ERR_INVALID,
		    "%s/%s has %zu bytes, not %d: put it back from a backup",
		    folder, KEY_FILE, key.len, CRYPT_KEY);
	memcpy(ret->key, key.p, CRYPT_KEY);
	explicit_bzero(key.p, key.len);
	return 0;
}

void crypt_close(struct crypt *c)
{
	explicit_bzero(c, sizeof(*c));
}

static void context_bytes(uint64_t context, unsigned char out[8])
{
	for (int i = 0; i < 8; i++)
		out[i] = (unsigned char)(context >> (8 * i));
}

static void cipher_free(EVP_CIPHER_CTX **c)
{
	EVP_CIPHER_CTX_free(*c);
}
#define scoped_cipher __attribute__((cleanup(cipher_free)))

int crypt_seal(const struct crypt *c, uint64_t context, struct str text,
    struct buf *box, struct error *err)
{
	scoped_cipher EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	unsigned char aad[8], nonce[NONCE];
	unsigned char *out =
	    (unsigned char *)buf_reserve(box, text.len + CRYPT_OVERHEAD);
	int n = 0, end = 0;

	if (!out || text.len > INT32_MAX)
		return error_set(err, ERR_LIMIT, "too much to encrypt");
	context_bytes(context, aad);
	rand_bytes(nonce, NONCE);
	memcpy(out, nonce, NONCE);
	if (!x ||
	    EVP_EncryptInit_ex(x, EVP_aes_256_gcm(), NULL, c->key, nonce) !=
	        1 ||
	    EVP_EncryptUpdate(x, NULL, &n, aad, sizeof(aad)) != 1 ||
	    EVP_EncryptUpdate(x, out + NONCE, &n,
	        (const unsigned char *)(text.len ? text.p : ""),
	        (int)text.len) != 1 ||
	    EVP_EncryptFinal_ex(x, out + NONCE + n, &end) != 1 ||
	    EVP_CIPHER_CTX_ctrl(
	        x, EVP_CTRL_GCM_GET_TAG, TAG, out + NONCE + text.len) != 1)
		return error_set(err, ERR_INTERNAL, "encrypt config vars");
	box->len += text.len + CRYPT_OVERHEAD;
	return 0;
}

int crypt_unseal(const struct crypt *c, uint64_t context, struct str box,
    struct buf *text, struct error *err)
{
	scoped_cipher EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
	const unsigned char *in = (const unsigned char *)box.p;
	unsigned char aad[8], tag[TAG], *out;
	int n = 0, end = 0, len;

	if (box.len < CRYPT_OVERHEAD || box.len > INT32_MAX)
		return error_set(err, ERR_INVALID, "no encrypted config vars");
	len = (int)(box.len - CRYPT_OVERHEAD);
	/* One byte more: a cipher may be told to write nothing somewhere. */
	out = (unsigned char *)buf_reserve(text, (size_t)len + 1);
	if (!x || !out)
		return error_set(err, ERR_LIMIT, "too many config vars");
	context_bytes(context, aad);
	memcpy(tag, in + NONCE + len, TAG);
	if (EVP_DecryptInit_ex(x, EVP_aes_256_gcm(), NULL, c->key, in) != 1 ||
	    EVP_DecryptUpdate(x, NULL, &n, aad, sizeof(aad)) != 1 ||
	    EVP_DecryptUpdate(x, out, &n, in + NONCE, len) != 1 ||
	    EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_GCM_SET_TAG, TAG, tag) != 1 ||
	    EVP_DecryptFinal_ex(x, out + n, &end) != 1) {
		explicit_bzero(out, (size_t)len);
		return error_set(err, ERR_INVALID,
		    "config vars don't fit their key: one of the two was "
		    "changed");
	}
	text->len += (size_t)len;
	return 0;
}

void crypt_hash(struct str s, unsigned char out[32])
{
	unsigned n = 0;

	if (EVP_Digest(s.p, s.len, out, &n, EVP_sha256(), NULL) != 1)
		abort();
}
