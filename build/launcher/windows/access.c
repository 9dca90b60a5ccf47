/* Folders that are this user's alone: made so, and checked before anything in them is believed. */
#include "launcher.h"

#include <aclapi.h>
#include <sddl.h>
#include <stdio.h>

#define CHANGES                                                                                                        \
    (FILE_WRITE_DATA | FILE_APPEND_DATA | FILE_WRITE_EA | FILE_WRITE_ATTRIBUTES | FILE_DELETE_CHILD | DELETE |         \
     WRITE_DAC | WRITE_OWNER | GENERIC_WRITE | GENERIC_ALL)

static union {
    TOKEN_USER user;
    BYTE room[sizeof(TOKEN_USER) + SECURITY_MAX_SID_SIZE];
} this_user;
static BYTE system_sid[SECURITY_MAX_SID_SIZE], administrators_sid[SECURITY_MAX_SID_SIZE];

static int know_accounts(void)
{
    static bool known;
    DWORD size = sizeof system_sid;
    HANDLE token;
    bool asked;

    if (known)
        return 0;
    if (!OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &token))
        return fail(NULL);
    asked = GetTokenInformation(token, TokenUser, &this_user, sizeof this_user, &size);
    if (!asked)
        fail(NULL);
    CloseHandle(token);
    size = sizeof system_sid;
    if (!asked || !CreateWellKnownSid(WinLocalSystemSid, NULL, system_sid, &size))
        return asked ? fail(NULL) : -1;
    size = sizeof administrators_sid;
    if (!CreateWellKnownSid(WinBuiltinAdministratorsSid, NULL, administrators_sid, &size))
        return fail(NULL);
    known = true;
    return 0;
}

int create_private_folder(const wchar_t *path)
{
    SECURITY_ATTRIBUTES attributes = {sizeof attributes, NULL, FALSE};
    wchar_t text[512];
    wchar_t *sid;
    bool made;

    if (know_accounts() != 0)
        return -1;
    if (!ConvertSidToStringSidW(this_user.user.User.Sid, &sid))
        return fail(NULL);
    swprintf(text, sizeof text / sizeof *text, L"O:%lsD:P(A;OICI;FA;;;%ls)(A;OICI;FA;;;SY)", sid, sid);
    LocalFree(sid);
    if (!ConvertStringSecurityDescriptorToSecurityDescriptorW(text, SDDL_REVISION_1, &attributes.lpSecurityDescriptor,
                                                              NULL))
        return fail(NULL);
    made = CreateDirectoryW(path, &attributes);
    if (!made)
        fail(NULL);
    LocalFree(attributes.lpSecurityDescriptor);
    return made ? 0 : -1;
}

static bool is_trusted(PSID sid)
{
    return EqualSid(sid, this_user.user.User.Sid) || EqualSid(sid, system_sid) || EqualSid(sid, administrators_sid);
}

static int check_list(const ACL *list)
{
    if (list == NULL)
        return fail("other users can write to it"); /* no list at all lets everybody do everything */
    for (DWORD i = 0; i < list->AceCount; i++) {
        ACCESS_ALLOWED_ACE *entry;

        if (!GetAce((ACL *)list, i, (void **)&entry))
            return fail(NULL);
        if (entry->Header.AceType == ACCESS_DENIED_ACE_TYPE || (entry->Header.AceFlags & INHERIT_ONLY_ACE))
            continue;
        if (entry->Header.AceType != ACCESS_ALLOWED_ACE_TYPE ||
            ((entry->Mask & CHANGES) && !is_trusted((PSID)&entry->SidStart)))
            return fail("other users can write to it");
    }
    return 0;
}

/* 0 if the path is a real folder whose contents only this user, the system or an administrator decides. */
int check_folder(const wchar_t *path)
{
    BY_HANDLE_FILE_INFORMATION about;
    PSECURITY_DESCRIPTOR descriptor;
    DWORD error;
    PSID owner;
    ACL *list;
    int result;
    HANDLE folder = CreateFileW(path, READ_CONTROL | FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                                FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);

    if (folder == INVALID_HANDLE_VALUE)
        return fail(NULL);
    result = know_accounts();
    if (result == 0 && !GetFileInformationByHandle(folder, &about))
        result = fail(NULL);
    if (result == 0 && (!(about.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) ||
                        (about.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT)))
        result = fail("is not a real folder");
    if (result == 0) {
        error = GetSecurityInfo(folder, SE_FILE_OBJECT, OWNER_SECURITY_INFORMATION | DACL_SECURITY_INFORMATION, &owner,
                                NULL, &list, NULL, &descriptor);
        if (error != ERROR_SUCCESS) {
            SetLastError(error);
            result = fail(NULL);
        } else {
            if (!is_trusted(owner)) /* what an elevated process makes belongs to the administrators */
                result = fail("belongs to another user");
            else
                result = check_list(list);
            LocalFree(descriptor);
        }
    }
    CloseHandle(folder);
    return result;
}
