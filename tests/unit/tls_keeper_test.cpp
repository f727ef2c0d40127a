// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/http/self_signed.hpp"
#include "launcher/http/tls_keeper.hpp"
#include "plugins/core/refs.hpp"

#include <gio/gio.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace sluice {
namespace {

constexpr int64_t day = 24 * 3600;
constexpr int64_t now = 1'800'000'000;

std::string read(const std::string& path) {
    std::ifstream file(path);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
}

void write(const std::string& path, const std::string& text) {
    std::ofstream(path + ".new") << text;
    std::filesystem::rename(path + ".new", path); // another inode: a changed file, whatever the clock's steps
}

std::string part(const std::string& pem, const char* what) {
    const std::string begin = std::string("-----BEGIN ") + what, end = std::string("-----END ") + what + "-----\n";
    const size_t at = pem.find(begin);
    return pem.substr(at, pem.find(end) + end.size() - at);
}

struct Pair {
    std::string certificate, key;
};
Pair pair(int64_t when = now) {
    const std::string pem = make_self_signed({{"edge"}, {}}, when).value();
    return {part(pem, "CERTIFICATE"), part(pem, "PRIVATE KEY")};
}

class Files : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/sluice-tls-test-XXXXXX";
        ASSERT_TRUE(mkdtemp(name));
        root_ = name;
        state_ = std::make_unique<StateDirectory>(StateDirectory::open(root_ + "/state", false).value());
        files_ = {false, root_ + "/cert.pem", root_ + "/key.pem"};
    }
    void TearDown() override { std::filesystem::remove_all(root_); }
    void write_pair(const Pair& p) {
        write(files_.certificate, p.certificate);
        write(files_.key, p.key);
    }
    static std::string fingerprint(const Pair& p) {
        return TlsIdentity::parse(p.certificate, p.key).value()->fingerprint();
    }
    // Once to see that something has moved, once that it rests.
    static void look_twice(TlsKeeper& keeper) {
        keeper.look(now);
        keeper.look(now);
    }
    std::string root_;
    std::unique_ptr<StateDirectory> state_;
    TlsConfig files_;
};

TEST(SelfSigned, IsAServersCertificateForTheseNames) {
    const std::string pem = make_self_signed({{"edge.local", "localhost"}, {"192.0.2.7", "2001:db8::7"}}, now).value();
    GError* error = nullptr;
    const Ref<GTlsCertificate> certificate = adopt(g_tls_certificate_new_from_pem(pem.data(), -1, &error));
    ASSERT_TRUE(certificate) << error->message;
    const auto fits = [&](const char* name) {
        const Ref<GSocketConnectable> identity = adopt(g_network_address_new(name, 443));
        return (g_tls_certificate_verify(certificate.get(), identity.get(), certificate.get()) &
                (G_TLS_CERTIFICATE_BAD_IDENTITY | G_TLS_CERTIFICATE_UNKNOWN_CA)) == 0;
    };
    for (const char* name : {"edge.local", "localhost", "192.0.2.7", "2001:db8::7"})
        EXPECT_TRUE(fits(name)) << name;
    for (const char* name : {"edge", "192.0.2.8", "evil.local"})
        EXPECT_FALSE(fits(name)) << name;
    const auto identity = TlsIdentity::parse(pem, pem).value();
    EXPECT_LE(identity->begins(), now);
    EXPECT_GT(identity->ends(), now + 364 * day);
    EXPECT_LE(identity->ends(), now + 731 * day);
    EXPECT_EQ(identity->fingerprint().size(), 32 * 3 - 1);
}

TEST(SelfSigned, ThisMachineHasNames) {
    const CertificateNames names = names_of_this_machine();
    EXPECT_NE(std::find(names.hosts.begin(), names.hosts.end(), "localhost"), names.hosts.end());
    EXPECT_NE(std::find(names.addresses.begin(), names.addresses.end(), "127.0.0.1"), names.addresses.end());
    const auto pem = make_self_signed(names, now);
    ASSERT_TRUE(pem) << pem.error().text;
}

TEST(TlsIdentity, SaysWhatIsWrong) {
    const Pair a = pair(), b = pair();
    EXPECT_TRUE(TlsIdentity::parse(a.certificate, a.key));
    const auto why = [](const std::string& certificate, const std::string& key) {
        const auto result = TlsIdentity::parse(certificate, key);
        return result ? std::string() : result.error().text;
    };
    EXPECT_EQ(why(a.certificate, b.key), "the key does not belong to the certificate");
    EXPECT_NE(why("", a.key).find("no certificate"), std::string::npos);
    EXPECT_NE(why(a.key, a.key).find("no certificate"), std::string::npos);
    EXPECT_NE(why(a.certificate, a.certificate).find("no key"), std::string::npos);
    EXPECT_NE(why(a.certificate.substr(0, 200), a.key).find("no certificate"), std::string::npos);
    EXPECT_EQ(why(a.certificate, "-----BEGIN").find("-----"), std::string::npos) << "nothing of a key is told";
}

TEST_F(Files, SelfSignedIsMadeOnceAndKept) {
    const auto first = TlsKeeper::open({true, {}, {}}, *state_, now);
    ASSERT_TRUE(first) << first.error().text;
    const std::string file = state_->file("tls.pem");
    EXPECT_EQ(std::filesystem::status(file).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    const auto second = TlsKeeper::open({true, {}, {}}, *state_, now + day);
    EXPECT_EQ(second.value()->fingerprint(), first.value()->fingerprint());
}

TEST_F(Files, SelfSignedIsRenewedBeforeItEnds) {
    const auto keeper = TlsKeeper::open({true, {}, {}}, *state_, now).value().release();
    const std::unique_ptr<TlsKeeper> owned(keeper);
    const std::string first = keeper->fingerprint();
    const int64_t ends = keeper->server()->identity().ends();
    keeper->look(ends - 31 * day);
    EXPECT_EQ(keeper->fingerprint(), first);
    keeper->look(ends - 29 * day);
    EXPECT_NE(keeper->fingerprint(), first);
    EXPECT_GT(keeper->server()->identity().ends(), ends + 300 * day);
    const auto again = TlsKeeper::open({true, {}, {}}, *state_, ends - 29 * day);
    EXPECT_EQ(again.value()->fingerprint(), keeper->fingerprint());
}

TEST_F(Files, WhatSomebodyPutIntoTheStateIsNotOverwritten) {
    ASSERT_TRUE(state_->write("tls.pem", "something"));
    const auto keeper = TlsKeeper::open({true, {}, {}}, *state_, now);
    ASSERT_FALSE(keeper);
    EXPECT_NE(keeper.error().text.find("tls.pem"), std::string::npos);
    EXPECT_EQ(read(state_->file("tls.pem")), "something");
}

TEST_F(Files, ChangedFilesAreTakenOnceTheyRest) {
    const Pair a = pair(), b = pair();
    write_pair(a);
    const auto keeper = TlsKeeper::open(files_, *state_, now);
    ASSERT_TRUE(keeper) << keeper.error().text;
    TlsKeeper& k = *keeper.value();
    EXPECT_EQ(k.fingerprint(), fingerprint(a));
    write(files_.certificate, b.certificate);
    k.look(now);
    EXPECT_EQ(k.fingerprint(), fingerprint(a)) << "the key may be on its way";
    write(files_.key, b.key);
    k.look(now);
    EXPECT_EQ(k.fingerprint(), fingerprint(a));
    k.look(now);
    EXPECT_EQ(k.fingerprint(), fingerprint(b));
    write_pair(a);
    k.reload(now); // asked for: at once
    EXPECT_EQ(k.fingerprint(), fingerprint(a));
}

TEST_F(Files, ABrokenPairIsToldOnceAndKeepsTheOldOne) {
    const Pair a = pair(), b = pair();
    write_pair(a);
    const auto keeper = TlsKeeper::open(files_, *state_, now);
    TlsKeeper& k = *keeper.value();
    write(files_.key, b.key);
    testing::internal::CaptureStderr();
    for (int i = 0; i < 5; i++)
        look_twice(k);
    const std::string said = testing::internal::GetCapturedStderr();
    EXPECT_EQ(k.fingerprint(), fingerprint(a));
    const size_t line = said.find("the key does not belong to the certificate");
    EXPECT_NE(line, std::string::npos) << said;
    EXPECT_NE(said.find(files_.key), std::string::npos);
    EXPECT_EQ(said.find("does not belong", line + 60), std::string::npos) << "once";
    std::filesystem::remove(files_.certificate);
    look_twice(k);
    EXPECT_EQ(k.fingerprint(), fingerprint(a));
    write_pair(b);
    look_twice(k);
    EXPECT_EQ(k.fingerprint(), fingerprint(b));
}

TEST_F(Files, AStartWithoutAPairNamesTheFile) {
    const Pair a = pair(), b = pair();
    const auto why = [&] {
        const auto result = TlsKeeper::open(files_, *state_, now);
        return result ? std::string() : result.error().text;
    };
    EXPECT_NE(why().find(files_.certificate + ": cannot be read"), std::string::npos) << why();
    write_pair({a.certificate, b.key});
    EXPECT_NE(why().find(files_.key + ": the key does not belong"), std::string::npos) << why();
    std::filesystem::remove(files_.key);
    std::filesystem::create_directory(files_.key);
    EXPECT_NE(why().find(files_.key + ": cannot be read: is a directory"), std::string::npos) << why();
}

} // namespace
} // namespace sluice
