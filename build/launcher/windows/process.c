/* Run the program so that nobody can tell it from this process: same command line, console, handles and exit code. */
#include "launcher.h"

#define EXIT_INTERRUPTED 0xC000013A /* STATUS_CONTROL_C_EXIT, what Windows itself ends a program with */

static volatile LONG interrupted;
static volatile HANDLE running;

/* The console tells everybody in it: the program decides what becomes of it, and this process waits. */
static BOOL WINAPI on_console_event(DWORD event)
{
    if (running == NULL)
        InterlockedExchange(&interrupted, 1);
    else if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) /* to return would be to end, before the program */
        WaitForSingleObject(running, INFINITE);
    return TRUE;
}

void ignore_interrupts(void)
{
    SetConsoleCtrlHandler(on_console_event, TRUE);
}

/* End here if somebody wanted that before there was a program to tell. */
void exit_if_interrupted(void)
{
    if (interrupted)
        ExitProcess(EXIT_INTERRUPTED);
}

static void limit(HANDLE job, DWORD flags)
{
    JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits = {.BasicLimitInformation.LimitFlags = flags};

    SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits);
}

/* Hand on the standard handles, whether or not there is a console to inherit them with. */
static void hand_on_streams(STARTUPINFOW *startup)
{
    startup->hStdInput = GetStdHandle(STD_INPUT_HANDLE);
    startup->hStdOutput = GetStdHandle(STD_OUTPUT_HANDLE);
    startup->hStdError = GetStdHandle(STD_ERROR_HANDLE);
    SetHandleInformation(startup->hStdInput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    SetHandleInformation(startup->hStdOutput, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    SetHandleInformation(startup->hStdError, HANDLE_FLAG_INHERIT, HANDLE_FLAG_INHERIT);
    startup->dwFlags = (startup->dwFlags & ~(DWORD)STARTF_USEHOTKEY) | STARTF_USESTDHANDLES; /* one field for both */
}

/* Start the program and end with its exit code. If this process is killed the program ends with it, unlike what
 * has left the job: the daemon. What still runs when the program has ended by itself goes on. */
int run(const wchar_t *program)
{
    HANDLE job = CreateJobObjectW(NULL, NULL);
    DWORD flags = CREATE_SUSPENDED, code = 0;
    PROCESS_INFORMATION process;
    STARTUPINFOW startup;

    exit_if_interrupted();
    GetStartupInfoW(&startup); /* the window, and what the C library inherits */
    hand_on_streams(&startup);
    if (GetConsoleCP() == 0)
        flags |= DETACHED_PROCESS; /* no console here: none there, rather than a new window */
    limit(job, JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE | JOB_OBJECT_LIMIT_BREAKAWAY_OK);
    if (!CreateProcessW(program, GetCommandLineW(), NULL, NULL, TRUE, flags, NULL, NULL, &startup, &process)) {
        fail(NULL);
        CloseHandle(job);
        return -1;
    }
    AssignProcessToJobObject(job, process.hProcess);
    running = process.hProcess;
    ResumeThread(process.hThread);
    CloseHandle(process.hThread);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &code);
    limit(job, JOB_OBJECT_LIMIT_BREAKAWAY_OK);
    ExitProcess(code);
}
